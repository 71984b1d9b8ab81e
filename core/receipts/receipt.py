"""Receipts: numbered proofs of payments."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from core.kernel.constraints import Text
from core.kernel.errors import Conflict, NotFound
from core.kernel.money import Money

SERIES = Text("1 to 8 capital letters or digits", "[A-Z0-9]{1,8}")
YEAR = Text("a financial year: 2026-27, or 2026", "[0-9]{4}(-[0-9]{2})?")
SeriesText: TypeAlias = Annotated[str, SERIES]
YearText: TypeAlias = Annotated[str, YEAR]
NUMBER_TEXT = Text(
    "a series, a financial year and a number: R-2026-27-000042", "[A-Z0-9]{1,8}-[0-9]{4}(-[0-9]{2})?-[0-9]{6,10}"
)
ReceiptNumberText: TypeAlias = Annotated[str, NUMBER_TEXT]
CODE = Text("22 letters, digits, hyphens or underscores", "[A-Za-z0-9_-]{22}")
VerificationCode: TypeAlias = Annotated[str, CODE]
CODE_BYTES = 16
"""Random: a code cannot be guessed from others."""
LONGEST_ISSUER, LONGEST_METHOD = 80, 40
"""In characters."""


class UnknownReceipt(NotFound):
    """No receipt has this number or code."""

    problem = "unknown-receipt"


class ReceiptVoided(Conflict):
    """The receipt is void already."""

    problem = "receipt-voided"


class UnprintableReceipt(Conflict):
    """The fonts of receipts lack a character of its texts."""

    problem = "unprintable-receipt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptNumber:
    """The number of a receipt, without gaps in its series and financial year."""

    series: str
    year: str
    """`2026-27`, or `2026` where the financial year is that of the calendar."""
    number: int

    def __str__(self) -> str:
        return f"{self.series}-{self.year}-{self.number:06}"

    @property
    def place(self) -> tuple[str, str, int]:
        """Return its place in lists, the newest of which is the greatest."""
        return self.year, self.series, self.number

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the number of a text; raise `UnknownReceipt` for what is none."""
        if not NUMBER_TEXT.admits(text):
            raise UnknownReceipt(f"there is no receipt {text[:40]!r}: a number is {NUMBER_TEXT.rule}")
        series, _, rest = text.partition("-")
        year, _, number = rest.rpartition("-")
        return cls(series=series, year=year, number=int(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptTerms:
    """What the office prints on its receipts, and how it numbers them."""

    series: str
    issuer: str
    """The name of the office."""
    zone: str
    """The IANA time zone that decides the financial year of a payment."""
    year_begins_in: int
    """The first month of the financial year, 4 for April."""

    def financial_year(self, paid_at: datetime) -> str:
        """Return the financial year of a moment."""
        local = paid_at.astimezone(ZoneInfo(self.zone))
        begins = local.year if local.month >= self.year_begins_in else local.year - 1
        return str(begins) if self.year_begins_in == 1 else f"{begins}-{(begins + 1) % 100:02}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedPayment:
    """A payment that gets a receipt."""

    payment: UUID
    submission: UUID
    student: UUID
    reference: str
    schedule: str
    amount: Money
    method: str
    """`card`, `upi`, `cash`."""
    paid_at: datetime
    restores: UUID | None = None
    """The payment of which a bank had taken this amount back; its own receipt stays void."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptVoid:
    """Why and when a receipt became void; its number stays."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedReceipt:
    """The facts of a receipt, which never change; who paid is on the roster, from which a student can be erased."""

    number: str
    payment: UUID
    submission: UUID
    student: UUID
    reference: str
    schedule: str
    amount: Money
    method: str
    paid_at: datetime
    zone: str
    """The IANA time zone of the office."""
    issuer: str
    issued_at: datetime
    code: str
    """Of the verification page."""
    replaces: str = ""
    """The number of the void receipt of an amount that a bank had taken back and restored."""
    void: ReceiptVoid | None = None
