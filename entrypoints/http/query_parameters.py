"""Query parameters that several resources share."""

from datetime import datetime

from core.kernel.period import MAX_MOMENT, MIN_MOMENT, Period


def period(since: datetime | None, until: datetime | None) -> Period:
    """Return the period of the parameters `from` and `to`; without one of them, that side is open."""
    return Period(since=since or MIN_MOMENT, until=until or MAX_MOMENT)
