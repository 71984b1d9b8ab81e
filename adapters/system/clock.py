"""The clock and the names that the machine gives."""

from datetime import UTC, datetime
from uuid import UUID

import uuid_utils

from core.kernel.clock import Clock
from core.kernel.ids import Ids


class SystemClock(Clock):
    """Tell the time the operating system tells."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class TimeOrderedIds(Ids):
    """Make UUIDs of version 7, whose order is the order of their making."""

    def new(self) -> UUID:
        return UUID(bytes=uuid_utils.uuid7().bytes)
