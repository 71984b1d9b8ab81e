"""The outbox: events that are committed and not yet published."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from core.shared.messages import Message

OUTBOX = "outbox"
"""The signal that rings when an event was committed in this process."""
SHARDS = 64
"""Parts of the outbox; all events of one aggregate are in the same part, which one relay holds at a time."""
LONGEST_PAUSE = 300
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event on its way out, and its place in the queue."""

    position: int
    shard: int
    message: Message
    token: int = 0
    """The fencing token under which its shard was ours when we looked."""
    refusals: int = 0
    """How often the broker has refused it."""


class Refusal(NamedTuple):
    """An event the broker does not take, and why."""

    event: Outgoing
    reason: str


def pause(refusals: int) -> int:
    """Return for how many seconds an aggregate is held back whose event was refused so often before."""
    return min(1 << min(refusals, 16), LONGEST_PAUSE)


class Outbox(Protocol):
    """Events on their way out, as one of several relays sees them."""

    @abstractmethod
    async def hold(self, seconds: float) -> int:
        """Make our share of the shards ours for so long, and return how many; for no time, give all back."""

    @abstractmethod
    async def unpublished(self, limit: int) -> Sequence[Outgoing]:
        """Return the oldest events of our shards, without those of aggregates that are blocked."""

    @abstractmethod
    async def published(self, events: Sequence[Outgoing], at: datetime) -> int:
        """Let go of events the broker has, and return how many; what is no longer ours stays for whoever has it."""

    @abstractmethod
    async def block(self, refusals: Sequence[Refusal]) -> None:
        """Hold back the events of the aggregates concerned for a while, longer each time."""


@dataclass(frozen=True, slots=True)
class Blocked:
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
    blocked: Sequence[Blocked]


class Backlog(Protocol):
    """The outbox, for people who look at it."""

    @abstractmethod
    async def look(self) -> OutboxState:
        """Return how things stand."""
