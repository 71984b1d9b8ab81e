"""Late fees."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal

from core.fees.errors import InvalidSchedule
from core.fees.names import Name
from core.fees.pricing.amount import MinorUnits, Rate, check_amount, check_one_of, check_range, check_rate
from core.fees.pricing.audience import ALL_PAYERS, Audience
from core.fees.pricing.formatting import format_count, format_date, format_percent
from core.fees.pricing.rule import PricingCase, Rule
from core.fees.quote import QuoteLine
from core.kernel.constraints import Items, Whole
from core.kernel.money import Money

MAX_GRACE_DAYS = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFeeWindow:
    """The days of one late fee: a fixed `amount`, a rate in `basis_points`, or an amount `per_day`."""

    after: date
    """The last day that is in time."""
    until: date | None = None
    """The last day of the window; None: no end."""
    amount: MinorUnits | None = None
    basis_points: Rate | None = None
    of: Literal["total", "balance"] = "total"
    """The base of the rate: the total of the rules before, or its unpaid part."""
    per_day: MinorUnits | None = None
    """Minor units for each day that has begun."""
    grace_days: Annotated[int, Whole(0, MAX_GRACE_DAYS)] = 0
    """Days at the beginning that are never charged, even when the submission is later."""
    cap: MinorUnits | None = None
    """The highest late fee of this window, in minor units."""

    def __post_init__(self) -> None:
        check_one_of(amount=self.amount, basis_points=self.basis_points, per_day=self.per_day)
        for name in ("amount", "per_day", "cap"):
            if (amount := getattr(self, name)) is not None:
                check_amount(amount, at=f"$.{name}")
        if self.basis_points is not None:
            check_rate(self.basis_points, at="$.basis_points")
        check_range(self.grace_days, MAX_GRACE_DAYS, at="$.grace_days")
        if self.until and self.until <= self.after:
            raise InvalidSchedule("the window is over before it begins", at="$.until")

    def days(self, today: date) -> int:
        """Return the number of late days that have begun; 0 outside the window and in the days of grace."""
        if self.until and today > self.until:
            return 0
        return max(0, (today - self.after).days - self.grace_days)

    def charge(self, case: PricingCase) -> Money:
        """Return the late fee on a late day."""
        if self.basis_points is not None:
            owed = case.total if self.of == "total" else case.total - case.paid
            minor = max(0, owed.percent(self.basis_points).minor)
        else:
            minor = self.amount if self.amount is not None else (self.per_day or 0) * self.days(case.day)
        return case.money(minor if self.cap is None else min(minor, self.cap))

    def why(self, days: int) -> str:
        """Return the reason, such as `late since 1 October 2019, 5 days`."""
        since = f"late since {format_date(self.after + timedelta(days=self.grace_days + 1))}"
        if self.basis_points is not None:
            return f"{since}: {format_percent(self.basis_points)} of the {self.of}"
        return since if self.per_day is None else f"{since}, {format_count(days, 'day')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFee(Rule):
    """A fee for submissions after the last day."""

    kind: Literal["late"] = "late"
    head: Name = "late-fee"
    windows: Annotated[tuple[LateFeeWindow, ...], Items(least=1)]
    audience: Audience = ALL_PAYERS

    def __post_init__(self) -> None:
        if not self.windows:
            raise InvalidSchedule("there is no window", at="$.windows")
        for index, (before, window) in enumerate(pairwise(self.windows), start=1):
            if before.until is None or before.until > window.after:
                raise InvalidSchedule("it overlaps the window before", at=f"$.windows[{index}].after")

    def lines(self, case: PricingCase) -> Iterator[QuoteLine]:
        for window in self.windows:
            if (days := window.days(case.day)) and (charge := window.charge(case)).minor:
                yield QuoteLine(self.head, window.why(days), charge)
