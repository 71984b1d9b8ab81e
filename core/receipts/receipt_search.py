"""Which receipts are listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from core.kernel.errors import Unprocessable
from core.receipts.receipt import IssuedReceipt, ReceiptNumber

GREATEST_NUMBER = 10**10 - 1
"""The greatest number that a receipt can have: ten digits."""


class FeeNotNamed(Unprocessable):
    """A clerk lists the receipts of one fee."""

    problem = "fee-not-named"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptSearch:
    """What the listed receipts have in common; empty: anything."""

    submission: UUID | None = None
    student: UUID | None = None
    schedule: str = ""
    series: str = ""
    year: str = ""
    """The financial year: `2026-27`."""
    first: int = 1
    last: int = GREATEST_NUMBER
    """The range of the numbers, with both ends."""
    before: ReceiptNumber | None = None
    """Receipts behind this one in the order of the list."""

    @property
    def is_of_one_payer(self) -> bool:
        """Return whether it finds few receipts, of any series and year."""
        return self.submission is not None or self.student is not None


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """Receipts, the newest first."""

    receipts: Sequence[IssuedReceipt]
    next: str | None
    """The number to give as `before` for the next page; null: this is the last."""

    @classmethod
    def of(cls, found: Sequence[IssuedReceipt], limit: int) -> Self:
        """Return the page of what was found with a limit that is greater by one."""
        return cls(found[:limit], found[limit - 1].number if len(found) > limit else None)
