"""How we stand with the vendors."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.notifications.delivery import Channel


class Breaker(StrEnum):
    """Whether a vendor is asked."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    """One probe at a time."""
    OPEN = "open"
    """Nobody asks it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorStanding:
    """How one process stands with one vendor."""

    channel: Channel
    vendor: str
    breaker: Breaker
    calls: int
    """In the window that the breaker looks at."""
    failure_percent: int
    under_way: int
    rests_until: datetime | None
    """When it may be asked again."""
    at: datetime
    process: str = ""
    """Who says so; empty before it is said to others."""
