"""Days of the office: from midnight to midnight of its time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.kernel.clock import Clock
from core.kernel.errors import Unprocessable
from core.kernel.period import MAX_MOMENT, MIN_MOMENT, Period


@dataclass(frozen=True, slots=True)
class OfficeDays:
    """Days in the time zone of the office, of which none is in the future."""

    zone: str
    clock: Clock

    def period(self, first: date, last: date, *, names: tuple[str, str] = ("from", "to")) -> Period:
        """Return the moments of days, the last one included; raise `Unprocessable`."""
        if last < first:
            raise Unprocessable(f"`{names[1]}` is before `{names[0]}`", at=f"$.{names[1]}")
        for name, day in zip(names, (first, last), strict=True):
            self._check(day, f"$.{name}")
        return Period(since=self.begin(first), until=self.begin(last + timedelta(days=1)))

    def end(self, day: date | None) -> datetime:
        """Return the end of a day, of today without one; raise `Unprocessable`."""
        chosen = self.day_of(self.clock.now()) if day is None else day
        self._check(chosen, "$.day")
        return self.begin(chosen + timedelta(days=1))

    def so_far(self, end: datetime) -> datetime:
        """Return the end of a day, or the present moment of a day that has not ended."""
        return min(end, self.clock.now())

    def begin(self, day: date) -> datetime:
        """Return the first moment of a day."""
        return datetime.combine(day, time.min, ZoneInfo(self.zone)).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """Return the day in which a moment is."""
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def _check(self, day: date, at: str) -> None:
        if not MIN_MOMENT.year < day.year < MAX_MOMENT.year - 1:
            raise Unprocessable(f"a day is of the years {MIN_MOMENT.year + 1} to {MAX_MOMENT.year - 2}", at=at)
        if self.begin(day) > self.clock.now():
            raise Unprocessable(f"{day} has not begun in {self.zone}", at=at)
