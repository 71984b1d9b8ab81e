"""What reports read of the ledger, and of the fees that it is about."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from core.kernel.period import Period
from core.ledger.account import LedgerAccount
from core.ledger.ports import AccountTotal
from core.ledger.transaction import TransactionKind


class BookedPosting(NamedTuple):
    """A posting as the day book shows it."""

    at: datetime
    kind: TransactionKind
    fee: str
    """The reference of the fee; empty: it is about none."""
    receipt: str
    """The number of the receipt of a payment; empty: there is none."""
    debit: str
    credit: str
    currency: str
    minor: int


class Movement(NamedTuple):
    """What one posting about a fee changes of the debt of its candidate."""

    at: datetime
    fee: UUID
    schedule: str
    """Empty: the account of the fee is not open yet."""
    kind: TransactionKind
    account: LedgerAccount
    """The other one than the candidate's."""
    currency: str
    minor: int
    """Negative: the candidate owes less."""


class ReportBooks(Protocol):
    """The ledger as of one moment."""

    @abstractmethod
    async def balances(self, moment: datetime) -> Sequence[AccountTotal]:
        """Return the balances of all accounts but those of candidates, of what happened before a moment."""

    @abstractmethod
    def postings(self, period: Period) -> AsyncIterator[Sequence[BookedPosting]]:
        """Yield pages of the postings of a period, in the order of their time."""

    @abstractmethod
    def movements(self, period: Period, schedule: str) -> AsyncIterator[Sequence[Movement]]:
        """Yield pages of what happened to fees in a period, in the order of time; of all schedules without one."""

    @abstractmethod
    async def debts(self, fees: Collection[UUID]) -> Mapping[UUID, Sequence[Movement]]:
        """Return what was ever charged, fined and waived of fees, without their payments."""


class Reports(Protocol):
    """Opens the ledger for reports."""

    @abstractmethod
    def open(self) -> AbstractAsyncContextManager[ReportBooks]:
        """Return the ledger as of now; raise `Unavailable` while the process makes as many reports as it may."""
