"""The interface of pricing rules, which are strategies that add lines to a quote."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from core.fees.pricing.audience import Audience, Payer
from core.fees.quote import QuoteLine
from core.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingCase:
    """The input of a pricing rule."""

    payer: Payer
    papers: int
    """How many are selected."""
    practicals: int
    day: date
    """In the schedule's own time zone."""
    total: Money
    """The total of the lines so far; rules apply in the order in which a schedule lists them."""
    paid: Money

    def money(self, minor: int) -> Money:
        """Return this many minor units of the schedule's currency."""
        return Money(minor, self.total.currency)


class Rule(ABC):
    """One rule of a tariff; a new kind of rule is one new module and one line in `rule_kinds.py`."""

    __slots__ = ()
    price_field: ClassVar[str] = ""
    """The field that holds its price; empty for a rule that only alters the price of others."""

    # Annotations, not abstract properties: a property is the default of a dataclass field of the same name.
    kind: str
    """The word for this kind of rule in documents."""
    head: str
    """The accounting code of its lines."""
    audience: Audience
    """The candidates that the rule names."""

    @property
    def priced_audience(self) -> Audience:
        """The candidates that the rule applies to: those it names and has an amount for."""
        return self.audience

    @abstractmethod
    def lines(self, case: PricingCase) -> Iterator[QuoteLine]:
        """Yield what the rule adds for a payer it applies to."""

    def double_charges_with(self, other: "Rule") -> bool:
        """Tell whether both rules can charge one candidate under the same head."""
        return self.head == other.head and self.priced_audience.overlaps(other.priced_audience)
