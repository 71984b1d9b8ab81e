"""The outbox: committed events that are not published yet."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from core.messaging.message import Message

OUTBOX_SIGNAL = "outbox"
"""The signal that is set when this process commits an event."""
SHARD_COUNT = 64
"""Parts of the outbox; all events of one aggregate are in one shard, which one relay holds at a time."""
MAX_BACKOFF_SECONDS = 300
MAX_COUNTED_EVENTS, MAX_COUNTED_LETTERS = 1_000_000, 10_000
"""Counting a million rows takes the database a tenth of a second."""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An unpublished event and its position in the queue."""

    position: int
    shard: int
    message: Message
    token: int = 0
    """The fencing token of this relay for the shard, when the row was read."""
    failed_publishes: int = 0
    """The number of times that the broker refused it."""


class PublishFailure(NamedTuple):
    """An event that the broker refused, and the reason."""

    event: OutboxEntry
    reason: str


def backoff_seconds(failed_publishes: int) -> int:
    """Return how long an aggregate is blocked after this many refusals of its event."""
    return min(1 << min(failed_publishes, 16), MAX_BACKOFF_SECONDS)


class Outbox(Protocol):
    """The outbox, as one of several relays sees it."""

    @abstractmethod
    async def renew(self, seconds: float) -> int:
        """Renew or take the leases of a fair share of the shards and return their number; 0 seconds releases all."""

    @abstractmethod
    async def unpublished(self, limit: int) -> Sequence[OutboxEntry]:
        """Return the oldest events of this relay's shards, without those of blocked aggregates."""

    @abstractmethod
    async def mark_published(self, events: Sequence[OutboxEntry], at: datetime) -> int:
        """Delete acknowledged events and return their number; rows of a shard that was lost stay for its new holder."""

    @abstractmethod
    async def block(self, failed_publishes: Sequence[PublishFailure]) -> None:
        """Block the aggregates of these events, longer after each failure (`backoff_seconds`)."""


@dataclass(frozen=True, slots=True)
class BlockedAggregate:
    """An aggregate whose next event the broker refused."""

    aggregate: UUID
    event: UUID
    attempts: int
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class OutboxState:
    """The backlog of the outbox, and the relays that hold its shards."""

    waiting: int
    """At most `MAX_COUNTED_EVENTS`."""
    oldest: datetime | None
    relays: Mapping[str, int]
    """Shards by relay; those without a holder are under ''."""
    blocked: Sequence[BlockedAggregate]


class Backlog(Protocol):
    """The outbox, for queries."""

    @abstractmethod
    async def snapshot(self) -> OutboxState:
        """Return the current state."""

    @abstractmethod
    async def buried(self) -> int:
        """Return the number of dead letters that wait for a decision, at most `MAX_COUNTED_LETTERS`."""
