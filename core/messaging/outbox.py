"""The outbox: events that are committed and not yet published."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from core.messaging.message import Message

OUTBOX_SIGNAL = "outbox"
"""The signal that rings when an event was committed in this process."""
SHARD_COUNT = 64
"""Parts of the outbox; all events of one aggregate are in the same part, which one relay holds at a time."""
MAX_BACKOFF_SECONDS = 300
"""Seconds."""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An event on its way out, and its place in the queue."""

    position: int
    shard: int
    message: Message
    token: int = 0
    """The fencing token under which its shard was ours when we looked."""
    failed_publishes: int = 0
    """How often the broker has refused it."""


class PublishFailure(NamedTuple):
    """An event the broker does not take, and why."""

    event: OutboxEntry
    reason: str


def backoff_seconds(failed_publishes: int) -> int:
    """Return for how many seconds an aggregate is held back whose event was refused so often before."""
    return min(1 << min(failed_publishes, 16), MAX_BACKOFF_SECONDS)


class Outbox(Protocol):
    """Events on their way out, as one of several relays sees them."""

    @abstractmethod
    async def hold(self, seconds: float) -> int:
        """Make our share of the shards ours for so long, and return how many; for no time, give all back."""

    @abstractmethod
    async def unpublished(self, limit: int) -> Sequence[OutboxEntry]:
        """Return the oldest events of our shards, without those of aggregates that are blocked."""

    @abstractmethod
    async def published(self, events: Sequence[OutboxEntry], at: datetime) -> int:
        """Let go of events the broker has, and return how many; what is no longer ours stays for whoever has it."""

    @abstractmethod
    async def block(self, failed_publishes: Sequence[PublishFailure]) -> None:
        """Hold back the events of the aggregates concerned for a while, longer each time."""


@dataclass(frozen=True, slots=True)
class BlockedAggregate:
    """An aggregate whose next event the broker refuses."""

    aggregate: UUID
    event: UUID
    attempts: int
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class OutboxState:
    """What waits, and who is to send it."""

    waiting: int
    oldest: datetime | None
    relays: Mapping[str, int]
    """How many shards each relay holds; '' for those that nobody does."""
    blocked: Sequence[BlockedAggregate]


class Backlog(Protocol):
    """The outbox, for people who look at it."""

    @abstractmethod
    async def look(self) -> OutboxState:
        """Return how things stand."""
