"""Fines for payments after the deadline of payment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from core.fees.errors import InvalidSchedule
from core.fees.names import NAME, Name
from core.fees.pricing.amount import MinorUnits, Rate, check_amount, check_one_of, check_range, check_rate
from core.fees.pricing.late_fee import MAX_GRACE_DAYS
from core.kernel.constraints import Items, Whole

MAX_FINES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FineRule:
    """A fine for each late day, or for the first one; a day begins at the local time of the deadline."""

    rule: Name
    """It is fined at most once a day, also if later versions change it."""
    head: Name = "late-payment"
    """The income head."""
    amount: MinorUnits | None = None
    basis_points: Rate | None = None
    """Instead of an amount, a share of the base."""
    of: Literal["total", "balance"] = "total"
    """The base of a share: the price of the fee, or what of it is unpaid; earlier fines are in neither."""
    per_day: bool = False
    """Again for each day, until the cap."""
    grace_days: Annotated[int, Whole(0, MAX_GRACE_DAYS)] = 0
    """Days at the beginning that are never fined."""
    cap: MinorUnits | None = None
    """The highest sum of the fines of this rule; a fine per day needs one."""

    def __post_init__(self) -> None:
        check_one_of(amount=self.amount, basis_points=self.basis_points)
        for name in ("amount", "cap"):
            if (amount := getattr(self, name)) is not None:
                check_amount(amount, at=f"$.{name}")
        if self.basis_points is not None:
            check_rate(self.basis_points, at="$.basis_points")
        check_range(self.grace_days, MAX_GRACE_DAYS, at="$.grace_days")
        if self.per_day and self.cap is None:
            raise InvalidSchedule("a fine per day has a cap", at="$.cap")
        for name in ("rule", "head"):
            if not NAME.admits(getattr(self, name)):
                raise InvalidSchedule(f"a name is {NAME.rule}", at=f"$.{name}")


FineRules: TypeAlias = Annotated[tuple[FineRule, ...], Items(most=MAX_FINES)]


def contradictions(rules: Sequence[FineRule], payment_closes: datetime | None) -> Iterator[InvalidSchedule]:
    """Yield each contradiction between these rules."""
    if len(rules) > MAX_FINES:
        yield InvalidSchedule(f"there are more than {MAX_FINES}", at="$.fines")
    if rules and payment_closes is None:
        yield InvalidSchedule("no payment is late without a deadline of payment: set closes.payment", at="$.fines")
    known = [each.rule for each in rules]
    for index, name in enumerate(known):
        if name in known[:index]:
            yield InvalidSchedule(f"{name} is there twice", at=f"$.fines[{index}].rule")
