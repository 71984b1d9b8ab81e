"""Figures of deliveries that wait: for a vendor, for an outcome, for a person."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.notifications.delivery import IN_DOUBT_STATES, Channel, DeliveryState

WAITING_STATES = (DeliveryState.PENDING, *IN_DOUBT_STATES)
MAX_COUNTED_DELIVERIES = 10_000
"""Counting more would take the database longer than the figure is worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFigure:
    """The waiting deliveries of one channel and state."""

    state: DeliveryState
    channel: Channel
    count: int
    """At most `MAX_COUNTED_DELIVERIES`."""
    oldest: datetime | None
    """Since when one of those counted is due or in doubt; of a pending one it can be in the future."""


class DeliveryFigures(Protocol):
    """A read port for monitoring."""

    @abstractmethod
    async def waiting(self) -> Sequence[DeliveryFigure]:
        """Return one figure for each of `WAITING_STATES` and each channel."""
