"""The ports of the ledger context."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from core.kernel.money import Money
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.ledger.account import LedgerAccount
from core.ledger.transaction import LedgerTransaction, TransactionKey


class LedgerTransactions(Protocol):
    """The repository of transactions."""

    @abstractmethod
    async def find(self, keys: Collection[TransactionKey]) -> Mapping[TransactionKey, LedgerTransaction]:
        """Return the stored transactions of these facts."""

    @abstractmethod
    def add(self, transaction: LedgerTransaction) -> None:
        """Store a transaction; the commit raises `Conflict` if another unit of work has posted the fact meanwhile."""


class LedgerUnitOfWork(UnitOfWork, Protocol):
    """A unit of work over the ledger."""

    transactions: LedgerTransactions


NewLedgerUnitOfWork = NewUnitOfWork[LedgerUnitOfWork]


class Balances(Protocol):
    """What accounts have, and the transactions that made it."""

    @abstractmethod
    async def of(self, account: LedgerAccount) -> Sequence[Money]:
        """Return the balance in each currency that the account has postings in: debits less credits."""

    @abstractmethod
    async def as_of(self, account: LedgerAccount, moment: datetime) -> Sequence[Money]:
        """Return the balances of what happened before a moment."""

    @abstractmethod
    async def statement(self, about: UUID) -> Sequence[LedgerTransaction]:
        """Return the transactions about a submission, the oldest first."""


class FeeOwner(NamedTuple):
    """Whose fee it is."""

    student: UUID
    centre: str
    """Empty after an erasure."""


class FeeOwners(Protocol):
    """Read access to the fees that the ledger tells about."""

    @abstractmethod
    async def find(self, submission: UUID) -> FeeOwner | None:
        """Return whose fee a submission is; None: it was never charged."""


class PostingSums(Protocol):
    """The sums that make balances of busy accounts fast."""

    @abstractmethod
    async def add_up(self, limit: int) -> int:
        """Add up to `limit` new postings to the sums of their accounts; return how many."""


class AccountTotal(NamedTuple):
    """The balance of an account in one currency."""

    account: str
    balance: Money


@dataclass(frozen=True, slots=True)
class CheckedPage:
    """What one page of the ledger adds up to."""

    transactions: int
    postings: int
    fault: str = ""
    """The first transaction with other postings than it was stored with, or another amount than what it records."""
    totals: Sequence[AccountTotal] = ()
    """Of the accounts with sums."""


class LedgerBooks(Protocol):
    """Everything that is stored, as of one moment."""

    @abstractmethod
    def pages(self, transactions_per_page: int) -> AsyncIterator[CheckedPage]:
        """Yield the checked pages, in the order of the keys."""

    @abstractmethod
    async def unposted(self) -> int:
        """Return how many fees, payments and settled refunds have no transaction."""

    @abstractmethod
    async def sums(self) -> Sequence[AccountTotal]:
        """Return the balances that `Balances` tells of the accounts with sums."""


class Books(Protocol):
    """Opens the books."""

    @abstractmethod
    def open(self) -> AbstractAsyncContextManager[LedgerBooks]:
        """Return the books as of now; what is posted later is not in them."""
