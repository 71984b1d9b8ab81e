"""Flat fees."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from core.fees.errors import InvalidSchedule
from core.fees.names import MAX_TITLE_LENGTH, TITLE, Name, Title
from core.fees.pricing.amount import Amount, amount_for, check_amount
from core.fees.pricing.audience import ALL_PAYERS, Audience
from core.fees.pricing.rule import PricingCase, Rule
from core.fees.quote import QuoteLine


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatFee(Rule):
    """One head of the fee, at a fixed amount."""

    price_field: ClassVar[str] = "amount"

    kind: Literal["flat"] = "flat"
    head: Name
    title: Title
    """The name that candidates read: `Statement of marks`."""
    amount: Amount
    audience: Audience = ALL_PAYERS

    def __post_init__(self) -> None:
        check_amount(self.amount, at="$.amount")
        if not self.title.strip() or len(self.title) > MAX_TITLE_LENGTH:
            raise InvalidSchedule(f"a title is {TITLE.rule}", at="$.title")
        if isinstance(self.amount, Mapping) and self.audience.categories:
            raise InvalidSchedule("the amounts name the categories; remove these", at="$.audience.categories")

    @property
    def priced_audience(self) -> Audience:
        return self.audience.priced_by(self.amount)

    def lines(self, case: PricingCase) -> Iterator[QuoteLine]:
        why = f"{self.title}, {case.payer}"
        yield QuoteLine(self.head, why, case.money(amount_for(case.payer.category, self.amount)))
