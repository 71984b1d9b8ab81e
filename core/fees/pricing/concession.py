"""Concessions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core.fees.errors import InvalidSchedule
from core.fees.names import Name
from core.fees.pricing.amount import MinorUnits, Rate, check_amount, check_one_of, check_rate
from core.fees.pricing.audience import Audience
from core.fees.pricing.formatting import format_percent
from core.fees.pricing.rule import PricingCase, Rule
from core.fees.quote import QuoteLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Concession(Rule):
    """A rate or a fixed amount off the total of the rules before, never more than that total."""

    kind: Literal["concession"] = "concession"
    head: Name = "concession"
    basis_points: Rate | None = None
    amount: MinorUnits | None = None
    audience: Audience

    def __post_init__(self) -> None:
        check_one_of(basis_points=self.basis_points, amount=self.amount)
        if self.basis_points is not None:
            check_rate(self.basis_points, at="$.basis_points")
        if self.amount is not None:
            check_amount(self.amount, at="$.amount")
        if not (self.audience.categories or self.audience.certificates):
            raise InvalidSchedule("a concession names categories or certificates", at="$.audience")

    def lines(self, case: PricingCase) -> Iterator[QuoteLine]:
        because = self.audience.match_reason(case.payer)
        if self.basis_points is not None:
            off = case.total.percent(self.basis_points)
            yield QuoteLine(self.head, f"{because}: {format_percent(self.basis_points)} off", -off)
        elif self.amount is not None:
            yield QuoteLine(self.head, f"{because}: a fixed amount off", -min(case.money(self.amount), case.total))
