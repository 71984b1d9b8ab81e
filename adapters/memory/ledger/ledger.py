"""The ledger in the memory database, which needs no sums."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.ledger.account import AccountKind, LedgerAccount
from core.ledger.ports import (
    AccountTotal,
    Balances,
    Books,
    CheckedPage,
    FeeOwner,
    FeeOwners,
    LedgerBooks,
    LedgerTransactions,
    PostingSums,
)
from core.ledger.transaction import LedgerTransaction, TransactionKey, TransactionKind
from core.payments.payment import TAKEN_BACK, RefundStage


class MemoryLedgerTransactions(LedgerTransactions):
    """Transactions by their keys."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def find(self, keys: Collection[TransactionKey]) -> Mapping[TransactionKey, LedgerTransaction]:
        stored = self._work.database.ledger_transactions
        return {key: stored[key] for key in keys if key in stored}

    def add(self, transaction: LedgerTransaction) -> None:
        self._work.inserts.append(partial(self._add, transaction))

    def _add(self, transaction: LedgerTransaction) -> None:
        stored = self._work.database.ledger_transactions
        if transaction.key in stored:
            raise Conflict.concurrent_change()
        self._work.undo_log.put(stored, transaction.key, transaction)


class MemoryBalances(Balances):
    """Adds up all postings of an account."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def of(self, account: LedgerAccount) -> Sequence[Money]:
        return add_up(self._database.ledger_transactions.values(), account)

    async def as_of(self, account: LedgerAccount, moment: datetime) -> Sequence[Money]:
        return add_up((each for each in self._database.ledger_transactions.values() if each.at < moment), account)

    async def statement(self, about: UUID) -> Sequence[LedgerTransaction]:
        found = [each for each in self._database.ledger_transactions.values() if each.about == about]
        return sorted(found, key=lambda each: (each.at, each.key))


def add_up(transactions: Iterable[LedgerTransaction], account: LedgerAccount) -> Sequence[Money]:
    """Return the balance of an account in each currency that it has postings in."""
    totals: defaultdict[str, int] = defaultdict(int)
    for each in transactions:
        if any(account in (posting.debit, posting.credit) for posting in each.postings):
            totals[each.currency] += each.effect_on(account).minor
    return [Money(totals[currency], currency) for currency in sorted(totals)]


class MemoryFeeOwners(FeeOwners):
    """Reads fee accounts and the roster."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def find(self, submission: UUID) -> FeeOwner | None:
        if (account := self._database.fee_accounts.get(submission)) is None:
            return None
        centres = (each.enrolment.centre for each in self._database.students.values() if each.id == account.student)
        return FeeOwner(account.student, next(centres, ""))


class MemoryPostingSums(PostingSums):
    """Keeps no sums."""

    async def add_up(self, limit: int) -> int:  # noqa: ARG002 - there is nothing to add up
        return 0


class Fact(NamedTuple):
    """What is posted to the account of a candidate."""

    name: str
    key: TransactionKey
    student: UUID
    minor: int
    sign: int
    """-1: the candidate owes less."""

    @property
    def candidate(self) -> LedgerAccount:
        """Return the account."""
        return LedgerAccount(AccountKind.CANDIDATE, str(self.student))


class MemoryBooks(Books, LedgerBooks):
    """Counts what is stored; there are no sums to compare with."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LedgerBooks]:
        yield self

    async def pages(self, transactions_per_page: int) -> AsyncIterator[CheckedPage]:  # noqa: ARG002 - one page has all
        stored = self._database.ledger_transactions.values()
        yield CheckedPage(len(stored), sum(len(each.postings) for each in stored), next(self._faults(), ""))

    def _faults(self) -> Iterator[str]:
        """Yield how a transaction differs from what it records."""
        for fact in self._facts():
            posted = self._database.ledger_transactions.get(fact.key)
            minor = fact.sign * posted.effect_on(fact.candidate).minor if posted else fact.minor
            if minor != fact.minor:
                told = f"the {fact.name} {fact.key.cause} is of {fact.minor}"
                yield f"{told}, and its candidate's postings sum to {minor}"

    def _facts(self) -> Iterator[Fact]:
        for fee in self._database.submissions.values():
            if fee.total.minor > 0:
                yield Fact("fee", TransactionKey(fee.id, TransactionKind.CHARGE), fee.student, fee.total.minor, 1)
        for account in self._database.fee_accounts.values():
            student = account.student
            for paid in account.payments:
                yield Fact("payment", TransactionKey(paid.id, TransactionKind.PAYMENT), student, paid.amount.minor, -1)
                for back in [each for each in paid.refunds if each.stage is RefundStage.SETTLED]:
                    kind = TransactionKind.REVERSAL if back.cause in TAKEN_BACK else TransactionKind.REFUND
                    yield Fact("refund", TransactionKey(back.id, kind), student, back.amount.minor, 1)

    async def unposted(self) -> int:
        return sum(fact.key not in self._database.ledger_transactions for fact in self._facts())

    async def sums(self) -> Sequence[AccountTotal]:
        return ()
