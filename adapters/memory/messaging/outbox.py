"""The outbox of the memory database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zlib import crc32

from adapters.memory.engine.database import MemoryDatabase
from core.kernel.clock import Clock
from core.messaging.dead_letters import DeadLetterState
from core.messaging.message import Message
from core.messaging.outbox import (
    MAX_COUNTED_EVENTS,
    MAX_COUNTED_LETTERS,
    SHARD_COUNT,
    Backlog,
    BlockedAggregate,
    Outbox,
    OutboxEntry,
    OutboxState,
    PublishFailure,
    backoff_seconds,
)


class MemoryOutbox(Outbox, Backlog):
    """Unpublished events by position; the only relay holds every shard."""

    def __init__(self, database: MemoryDatabase, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._blocked: dict[UUID, BlockedAggregate] = {}

    async def renew(self, seconds: float) -> int:
        return SHARD_COUNT if seconds else 0

    async def unpublished(self, limit: int) -> Sequence[OutboxEntry]:
        now = self._clock.now()
        blocked = {each.aggregate for each in self._blocked.values() if each.until > now}
        failed_publishes = {each.aggregate: each.attempts for each in self._blocked.values()}
        waiting = [
            outbox_entry(position, message, failed_publishes.get(message.subject, 0))
            for position, message in sorted(self._database.outbox.items())
            if message.subject not in blocked
        ]
        return waiting[:limit]

    async def mark_published(self, events: Sequence[OutboxEntry], at: datetime) -> int:
        for event in events:
            self._blocked.pop(event.message.subject, None)
            if self._database.outbox.pop(event.position, None):
                self._database.publications[event.message.id] = at
        return len(events)

    async def block(self, failed_publishes: Sequence[PublishFailure]) -> None:
        for event, reason in failed_publishes:
            aggregate = event.message.subject
            until = self._clock.now() + timedelta(seconds=backoff_seconds(event.failed_publishes))
            self._blocked[aggregate] = BlockedAggregate(
                aggregate, event.message.id, event.failed_publishes + 1, until, reason
            )

    async def snapshot(self) -> OutboxState:
        waiting = self._database.outbox.values()
        oldest = min((message.at for message in waiting), default=None)
        counted = min(len(waiting), MAX_COUNTED_EVENTS)
        return OutboxState(counted, oldest, {"memory": SHARD_COUNT}, list(self._blocked.values()))

    async def buried(self) -> int:
        waiting = sum(letter.state is DeadLetterState.BURIED for letter, _ in self._database.dead_letters.values())
        return min(waiting, MAX_COUNTED_LETTERS)


def outbox_entry(position: int, message: Message, failed_publishes: int) -> OutboxEntry:
    """Return the entry of a message, with the shard of its aggregate."""
    shard = crc32(message.subject.bytes) % SHARD_COUNT
    return OutboxEntry(position, shard, message, failed_publishes=failed_publishes)
