"""What every pricing rule is: a strategy that adds lines to a quote."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from core.fees.paper_selection import PaperSelection
from core.fees.pricing.audience import Audience, Payer
from core.fees.quote import QuoteLine
from core.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingCase:
    """Everything a price may depend on."""

    payer: Payer
    selection: PaperSelection
    day: date
    """In the schedule's own time zone."""
    total: Money
    """Of the lines so far: rules apply in the order in which they are written."""
    paid: Money

    def money(self, minor: int) -> Money:
        """Return this many minor units of the schedule's currency."""
        return Money(minor, self.total.currency)


class Rule(ABC):
    """One paragraph of a tariff.  A new kind of rule is one new module and one line in `kinds.py`."""

    __slots__ = ()
    price_field: ClassVar[str] = ""
    """The field that holds its price; empty for a rule that only alters the price of others."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """The word by which a document names this kind of rule."""

    @property
    @abstractmethod
    def head(self) -> str:
        """The code its lines are booked under."""

    @property
    @abstractmethod
    def who(self) -> Audience:
        """The people it is written for."""

    @property
    def whom(self) -> Audience:
        """The people it applies to: those it is written for and has an amount for."""
        return self.who

    @abstractmethod
    def lines(self, case: PricingCase) -> Iterator[QuoteLine]:
        """Yield what the rule adds for a payer it applies to."""

    def double_charges_with(self, other: "Rule") -> bool:
        """Tell whether somebody could be charged twice for the same thing."""
        return self.head == other.head and self.whom.overlaps(other.whom)
