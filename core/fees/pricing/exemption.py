"""Exemptions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core.fees.errors import InvalidSchedule
from core.fees.names import Name
from core.fees.pricing.audience import Audience
from core.fees.pricing.rule import PricingCase, Rule
from core.fees.quote import QuoteLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption(Rule):
    """Waives the total of the rules before."""

    kind: Literal["exempt"] = "exempt"
    head: Name = "exemption"
    audience: Audience

    def __post_init__(self) -> None:
        if not (self.audience.categories or self.audience.certificates):
            raise InvalidSchedule("an exemption names categories or certificates", at="$.audience")

    def lines(self, case: PricingCase) -> Iterator[QuoteLine]:
        yield QuoteLine(self.head, f"{self.audience.match_reason(case.payer)}: exempt", -case.total)
