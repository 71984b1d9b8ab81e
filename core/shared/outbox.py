"""The outbox: events that are committed and not yet published."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.shared.messages import Message

OUTBOX = "outbox"
"""The signal that rings when an event was committed in this process."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event on its way out, and its place in the queue."""

    position: int
    message: Message


class Outbox(Protocol):
    """Events on their way out, the oldest first."""

    @abstractmethod
    async def unpublished(self, limit: int) -> Sequence[Outgoing]:
        """Return the oldest unpublished events."""

    @abstractmethod
    async def published(self, events: Sequence[Outgoing], at: datetime) -> None:
        """Let go of events that are safe with the broker."""
