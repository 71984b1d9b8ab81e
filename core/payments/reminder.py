"""When payers are reminded."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from core.payments.fine import FineTerms

TIME_OF_DAY = time(10)
"""In the schedule's zone, so that no message arrives at night."""


class Reminder(StrEnum):
    """Why a payer is reminded: each reason once for a fee."""

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


def next_reminder_at(pay_by: datetime | None, terms: FineTerms | None, after: datetime) -> datetime | None:
    """Return when the next reminder is due; None: there is none."""
    known = moments(pay_by, terms) if pay_by and terms else ()
    return next((moment for _, moment in known if moment > after), None)


def last_reminder(pay_by: datetime, terms: FineTerms, at: datetime) -> Reminder:
    """Return the reminder that became due last; at least one is due."""
    return [reminder for reminder, moment in moments(pay_by, terms) if moment <= at][-1]
