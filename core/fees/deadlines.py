"""The periods in which a schedule accepts submissions and payments, in the local time of its zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo

from core.fees.errors import InvalidSchedule
from core.fees.pricing.formatting import format_date
from core.kernel.constraints import Text
from core.kernel.errors import Invalid

MIN_YEAR, MAX_YEAR = 1900, 9000
"""Every time zone can represent the moments of these years."""
LOCAL_TIME = Text(
    f"a local time of the years {MIN_YEAR} to {MAX_YEAR}, without an offset: 2026-03-08T21:00:00",
    r"(19|[2-8][0-9]|90(?=00))[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?",
)
LocalTime: TypeAlias = Annotated[datetime, LOCAL_TIME]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """The first moments that are too late, in local time; None: no deadline.

    A deadline at the end of a day is midnight of the next day; `21:00` closes at 21:00:00.000.  Of an hour that comes
    twice, because clocks are put back, the first counts.
    """

    submission: LocalTime | None = None
    payment: LocalTime | None = None


NO_DEADLINES = Deadlines()


def by_path(opens: datetime | None, closes: Deadlines) -> dict[str, datetime | None]:
    """Return these moments by their paths in the document."""
    return {"$.opens": opens, "$.closes.submission": closes.submission, "$.closes.payment": closes.payment}


def contradictions(opens: datetime | None, closes: Deadlines) -> Iterator[InvalidSchedule]:
    """Yield each contradiction between these moments."""
    moments = by_path(opens, closes)
    for at, moment in moments.items():
        if moment and moment.tzinfo:
            yield InvalidSchedule("write local time of the schedule's zone, without an offset", at=at)
            return
        if moment and not MIN_YEAR <= moment.year <= MAX_YEAR:
            yield InvalidSchedule(f"a year is from {MIN_YEAR} to {MAX_YEAR}", at=at)
    for at, moment in list(moments.items())[1:]:
        if opens and moment and moment <= opens:
            yield InvalidSchedule("it closes before it opens", at=at)
    if closes.payment and (closes.submission is None or closes.payment < closes.submission):
        yield InvalidSchedule("payment closes before submission does", at="$.closes.payment")


def skipped(opens: datetime | None, closes: Deadlines, zone: str) -> Iterator[InvalidSchedule]:
    """Yield each of these moments that no clock of the zone shows, because clocks are put forward over it."""
    for at, local in by_path(opens, closes).items():
        if local and (shown := as_local(as_utc(local, zone), zone).replace(tzinfo=None)) != local:
            why = "clocks are put forward over it"
            yield InvalidSchedule(f"no clock in {zone} shows {local}, because {why}; write {shown.isoformat()}", at=at)


def is_zone(name: object) -> bool:
    """Tell whether this names an IANA time zone; `localtime` and similar names depend on the server and do not."""
    if not isinstance(name, str) or not ("/" in name or name == "UTC"):
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, a directory of zones
        return False
    return True


@lru_cache
def as_utc(local: datetime, zone: str) -> datetime:
    """Return the moment of a local time; of two (the clocks go back), the first."""
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def as_local(moment: datetime, zone: str) -> datetime:
    """Return the local time of a moment."""
    if moment.tzinfo is None:
        raise Invalid("a moment needs an offset from UTC")
    return moment.astimezone(ZoneInfo(zone))


def last_minute(closes: datetime, zone: str) -> datetime:
    """Return the local time of the last minute that began in time, for people: 23:59 for a deadline at midnight."""
    return as_local(closes - timedelta(microseconds=1), zone).replace(second=0, microsecond=0)


def format_local(local: datetime, zone: str) -> str:
    """Return `8 March 2026, 20:59 (Asia/Kolkata)`."""
    return f"{format_date(local)}, {local:%H:%M:%S}".removesuffix(":00") + f" ({zone})"
