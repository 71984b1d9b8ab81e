"""What reports read of the ledger, in the memory database."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.ledger.ledger import add_up
from core.kernel.period import Period
from core.ledger.account import AccountKind, LedgerAccount
from core.ledger.ports import AccountTotal
from core.ledger.reports.ports import BookedPosting, Movement, ReportBooks, Reports
from core.ledger.transaction import DEBTS, RECEIPTED, LedgerTransaction, TransactionKind


class MemoryReports(Reports, ReportBooks):
    """Reads all transactions, which is one page."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ReportBooks]:
        yield self

    async def balances(self, moment: datetime) -> Sequence[AccountTotal]:
        earlier = [each for each in self._database.ledger_transactions.values() if each.at < moment]
        sides = {side for each in earlier for posting in each.postings for side in (posting.debit, posting.credit)}
        accounts = [each for each in sides if each.kind is not AccountKind.CANDIDATE]
        return [AccountTotal(str(account), money) for account in accounts for money in add_up(earlier, account)]

    async def postings(self, period: Period) -> AsyncIterator[Sequence[BookedPosting]]:
        yield [posting for each in self._of(period) for posting in self._booked(each)]

    async def movements(self, period: Period, schedule: str) -> AsyncIterator[Sequence[Movement]]:
        found = self._moved(each for each in self._of(period) if each.kind is not TransactionKind.SETTLEMENT)
        yield [each for each in found if schedule in ("", each.schedule)]

    async def debts(self, fees: Collection[UUID]) -> Mapping[UUID, Sequence[Movement]]:
        stored = self._database.ledger_transactions.values()
        found = list(self._moved(each for each in stored if each.about in fees and each.kind in DEBTS))
        return {fee: [each for each in found if each.fee == fee] for fee in fees}

    def _of(self, period: Period) -> Sequence[LedgerTransaction]:
        stored = self._database.ledger_transactions.values()
        found = [each for each in stored if period.since <= each.at < period.until]
        return sorted(found, key=lambda each: (each.at, each.key))

    def _booked(self, posted: LedgerTransaction) -> Iterator[BookedPosting]:
        account = self._database.fee_accounts.get(posted.about)
        receipt = self._database.receipts.get(posted.cause) if posted.kind in RECEIPTED else None
        for each in posted.postings:
            yield BookedPosting(
                posted.at, posted.kind, account.reference if account else "", receipt.number if receipt else "",
                str(each.debit), str(each.credit), each.amount.currency, each.amount.minor,
            )  # fmt: skip

    def _moved(self, transactions: Iterable[LedgerTransaction]) -> Iterator[Movement]:
        for posted in transactions:
            account = self._database.fee_accounts.get(posted.about)
            schedule = account.schedule if account else ""
            for each in posted.postings:
                owes_more = each.debit.kind is AccountKind.CANDIDATE
                other: LedgerAccount = each.credit if owes_more else each.debit
                minor = each.amount.minor if owes_more else -each.amount.minor
                yield Movement(posted.at, posted.about, schedule, posted.kind, other, posted.currency, minor)
