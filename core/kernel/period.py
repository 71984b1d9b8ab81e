"""Periods of time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from core.kernel.constraints import Text
from core.kernel.errors import Invalid, Unprocessable

MIN_MOMENT, MAX_MOMENT = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""Every supported database and time zone can represent the moments between these."""
MOMENT = Text(
    "a date and time of the years 1970 to 9998 with its offset from UTC (RFC 3339): 2026-11-20T00:00:00Z",
    r"(19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-[0-9]{2}-[0-9]{2}"
    r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})",
    format="date-time",
)
Moment: TypeAlias = Annotated[datetime, MOMENT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A half-open period: `since` is in it, `until` is not."""

    since: datetime = MIN_MOMENT
    until: datetime = MAX_MOMENT

    def __post_init__(self) -> None:
        for name, moment in (("from", self.since), ("to", self.until)):
            if moment.tzinfo is None:
                raise Invalid(f"`{name}` has no time zone: write 2026-11-20T00:00:00Z", at=f"$.{name}")
            if not MIN_MOMENT <= moment <= MAX_MOMENT:
                raise Invalid(f"`{name}` is between the years 1970 and 9999", at=f"$.{name}")
        if self.until < self.since:
            raise Unprocessable("`to` is before `from`", at="$.to")
