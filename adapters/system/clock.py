"""The system clock and time-ordered ids."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from core.kernel.clock import Clock
from core.kernel.ids import Ids


class SystemClock(Clock):
    """Returns the time of the operating system."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class TimeOrderedIds(Ids):
    """Creates UUIDs of version 7, which sort by creation."""

    def new(self) -> UUID:
        return uuid7()
