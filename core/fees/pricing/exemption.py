"""Nothing at all for some."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core.fees.errors import InvalidSchedule
from core.fees.pricing.audience import Audience
from core.fees.pricing.rule import PricingCase, Rule
from core.fees.quote import QuoteLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption(Rule):
    """Everything so far is waived."""

    kind: Literal["exempt"] = "exempt"
    head: str = "exemption"
    who: Audience

    def __post_init__(self) -> None:
        if not (self.who.categories or self.who.certificates):
            raise InvalidSchedule("an exemption names categories or certificates", at="$.who")

    def lines(self, case: PricingCase) -> Iterator[QuoteLine]:
        yield QuoteLine(self.head, f"{self.who.because(case.payer)}: exempt", -case.total)
