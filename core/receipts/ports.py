"""The ports of the receipts context."""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.receipts.printed_receipt import Payer, PrintedReceipt
from core.receipts.receipt import IssuedReceipt, ReceiptNumber, ReceiptVoid, ReceivedPayment
from core.receipts.receipt_search import ReceiptSearch


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReceipt:
    """A receipt without its number."""

    payment: ReceivedPayment
    series: str
    year: str
    zone: str
    issuer: str
    issued_at: datetime
    code: str


class Receipts(Protocol):
    """The repository of receipts."""

    @abstractmethod
    async def issued(self, payments: Collection[UUID]) -> Collection[UUID]:
        """Return which of these payments have a receipt."""

    @abstractmethod
    def issue(self, receipt: DueReceipt) -> None:
        """Store a receipt; its number is drawn last, when the transaction commits.

        The commit raises `Unavailable` if another transaction has issued a receipt for the payment meanwhile.
        """

    @abstractmethod
    async def voided(self, payments: Collection[UUID]) -> Collection[UUID]:
        """Return which of these payments have a void receipt."""

    @abstractmethod
    def void(self, payment: UUID, void: ReceiptVoid) -> None:
        """Make the receipt of a payment void, also one that is issued later; the commit raises as that of `issue`."""


class ReceiptsUnitOfWork(UnitOfWork, Protocol):
    """A unit of work over receipts."""

    receipts: Receipts


NewReceiptsUnitOfWork = NewUnitOfWork[ReceiptsUnitOfWork]


class IssuedReceipts(Protocol):
    """The receipts, for readers."""

    @abstractmethod
    async def by_number(self, number: ReceiptNumber) -> IssuedReceipt | None:
        """Return the receipt of a number."""

    @abstractmethod
    async def by_code(self, code: str) -> IssuedReceipt | None:
        """Return the receipt of a verification code."""

    @abstractmethod
    async def page(self, search: ReceiptSearch, limit: int) -> Sequence[IssuedReceipt]:
        """Return receipts by year, series and number, the greatest first."""


class Payers(Protocol):
    """Read access to the roster."""

    @abstractmethod
    async def find(self, student: UUID) -> Payer | None:
        """Return the student; None: the roster has none of this id any more."""


class ReceiptDocuments(Protocol):
    """Receipts on paper."""

    @abstractmethod
    async def render(self, receipt: PrintedReceipt, language: str, issued_at: datetime, url: str) -> bytes:
        """Return a PDF in a language (`en`, `hi`); the same arguments give the same bytes.

        `url` leads to the verification page; empty: there is none.  Raises `UnprintableReceipt`.
        """
