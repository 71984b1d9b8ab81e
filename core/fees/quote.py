"""Quotes: the price of a submission, line by line."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from core.kernel.errors import Invalid
from core.kernel.money import Money


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One amount of a quote, negative for a concession."""

    head: str
    """The accounting code: `examination`, `late-fee`."""
    why: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """A part of the total with its due date."""

    amount: Money
    due: date | None = None
    """The last day of timely payment, in the schedule's zone; None: the deadline of the whole total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price of one selection for one candidate at one moment; lines and instalments each sum to the total."""

    schedule: str
    version: int
    lines: tuple[QuoteLine, ...]
    total: Money
    instalments: tuple[Instalment, ...]
    pay_by: datetime | None = None
    """The first moment that is too late to pay, in UTC; None: no deadline."""

    def __post_init__(self) -> None:
        if self.total.minor < 0:
            raise Invalid("a total is not negative", at="$.total")
        if total_of(self.lines, self.total.currency) != self.total:
            raise Invalid("the lines do not sum to the total", at="$.lines")
        if sum(part.amount.minor for part in self.instalments) != self.total.minor:
            raise Invalid("the instalments do not sum to the total", at="$.instalments")


def total_of(lines: Collection[QuoteLine], currency: str) -> Money:
    """Return the sum of the lines, 0 without lines."""
    if any(line.amount.currency != currency for line in lines):
        raise Invalid(f"a line is not in {currency}")
    return Money(sum(line.amount.minor for line in lines), currency)
