"""The standing of a process with the vendors."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.notifications.delivery import Channel


class Breaker(StrEnum):
    """The state of a circuit breaker."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    """One probe call at a time."""
    OPEN = "open"
    """No call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorStanding:
    """The state of one vendor in one process."""

    channel: Channel
    vendor: str
    breaker: Breaker
    calls: int
    """In the sliding window of the breaker."""
    failure_percent: int
    under_way: int
    rests_until: datetime | None
    """When the breaker, or a hold of all messages, lets a probe through."""
    at: datetime
    reason: str = ""
    """The answer for which messages are held back, or the last refusal of our account; a person repairs that."""
    process: str = ""
    """The publishing process; empty before publication."""
