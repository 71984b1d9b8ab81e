"""The outbox: events that are committed and not yet published."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.shared.messages import Message


class Outbox(Protocol):
    """Events on their way out, the oldest first."""

    @abstractmethod
    async def unpublished(self, limit: int) -> Sequence[Message]:
        """Return the oldest unpublished events."""

    @abstractmethod
    async def published(self, messages: Sequence[Message], at: datetime) -> None:
        """Let go of events that are safe with the broker."""

    @abstractmethod
    async def wait(self, seconds: float) -> None:
        """Return when something was committed in this process, or after `seconds`."""
