"""Fines for late payments, by the rules of the version of the schedule by which the fee was charged."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from core.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class FineRule:
    """A rule as the schedule had it when the fee was submitted; amounts are minor units."""

    rule: str
    head: str
    amount: int | None = None
    basis_points: int | None = None
    of: str = "total"
    per_day: bool = False
    grace_days: int = 0
    cap: int | None = None

    def price(self, total: Money, balance: Money, fined: Money) -> Money:
        """Return the fine of one day, never more than what the cap leaves."""
        base = total if self.of == "total" else balance
        share = base.percent(self.basis_points or 0).minor
        minor = share if self.amount is None else self.amount
        return Money(minor if self.cap is None else max(0, min(minor, self.cap - fined.minor)), total.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTerms:
    """What a fee account knows about fines."""

    version: int
    """Of the schedule."""
    zone: str
    rules: tuple[FineRule, ...]

    def begin(self, pay_by: datetime, day: int) -> datetime:
        """Return when a late day begins, 0 with the deadline, at the same local time."""
        return (pay_by.astimezone(ZoneInfo(self.zone)) + timedelta(days=day)).astimezone(UTC)

    def day_of(self, pay_by: datetime, moment: datetime) -> int:
        """Return the late day of a moment that is not before the deadline."""
        zone = ZoneInfo(self.zone)
        day = (moment.astimezone(zone).date() - pay_by.astimezone(zone).date()).days
        return day if self.begin(pay_by, day) <= moment else day - 1

    def date_of(self, moment: datetime) -> date:
        """Return the local date."""
        return moment.astimezone(ZoneInfo(self.zone)).date()


@dataclass(slots=True, kw_only=True, eq=False)
class Fine:
    """What one rule added to what is owed, for one day."""

    id: UUID
    rule: str
    instalment: int = 1
    """The number of the instalment that is late."""
    version: int
    """Of the schedule whose rule it is."""
    head: str
    day: date
    """The local date on which the late day begins."""
    amount: Money
    since: datetime
    """When the late day began: a payment that was begun before it is in time."""
    fined_at: datetime
    withdrawn_at: datetime | None = None
    """When a payment arrived that had settled the fee before the day began."""


def fine_id(submission: UUID, instalment: int, rule: str, day: date) -> UUID:
    """Return the id of a fine: the same for each process that charges it."""
    number = "" if instalment == 1 else f"{instalment}:"  # without it, as of the fees that have no instalments
    return uuid5(submission, f"fine:{number}{rule}:{day.isoformat()}")
