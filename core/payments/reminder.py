"""When payers are reminded."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from core.payments.fine import FineTerms
from core.payments.instalment import InstalmentBalance

TIME_OF_DAY = time(10)
"""In the schedule's zone, so that no message arrives at night."""


class Reminder(StrEnum):
    """Why a payer is reminded: each reason once for an instalment."""

    DUE_7 = "due-7"
    DUE_1 = "due-1"
    OVERDUE_1 = "overdue-1"
    OVERDUE_7 = "overdue-7"


DAYS = {Reminder.DUE_7: -7, Reminder.DUE_1: -1, Reminder.OVERDUE_1: 1, Reminder.OVERDUE_7: 7}
"""From the last day in time."""


def moments(pay_by: datetime, terms: FineTerms) -> Iterator[tuple[Reminder, datetime]]:
    """Yield the reminders of a deadline in their order."""
    zone = ZoneInfo(terms.zone)
    last_day = (pay_by - timedelta(microseconds=1)).astimezone(zone).date()
    for reminder, days in DAYS.items():
        yield reminder, datetime.combine(last_day + timedelta(days=days), TIME_OF_DAY, zone).astimezone(UTC)


def next_reminder_at(parts: Sequence[InstalmentBalance], terms: FineTerms | None, after: datetime) -> datetime | None:
    """Return when the next reminder is due; None: there is none."""
    known = [moment for part in parts if terms and part.pay_by for _, moment in moments(part.pay_by, terms)]
    return min((moment for moment in known if moment > after), default=None)


def missed_reminders(
    parts: Sequence[InstalmentBalance], terms: FineTerms, since: datetime, at: datetime
) -> Mapping[int, Reminder]:
    """Return the last reminder of each instalment of which some became due in a period, both ends included."""
    return {
        part.number: reminder
        for part in parts
        if part.pay_by
        for reminder, moment in moments(part.pay_by, terms)
        if since <= moment <= at
    }
