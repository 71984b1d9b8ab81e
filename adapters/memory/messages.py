"""Outbox, inbox and answers in dictionaries."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self
from uuid import UUID
from zlib import crc32

from adapters.memory.database import Store, Transaction
from adapters.memory.dead_letters import MemoryDeadLetters, buried
from adapters.memory.unit_of_work import Insert, MemoryUnitOfWork, insert_all
from core.kernel.clock import Clock
from core.kernel.errors import Conflict
from core.kernel.idempotency import Answers, IdempotencyKeyReused, RequestContext
from core.kernel.ids import Ids
from core.messaging.inbox import Inbox
from core.messaging.message import Message
from core.messaging.outbox import (
    SHARD_COUNT,
    Backlog,
    BlockedAggregate,
    Outbox,
    OutboxEntry,
    OutboxState,
    PublishFailure,
    backoff_seconds,
)
from core.messaging.retention import RetainedRecords, Retention


class MemoryOutbox(Outbox, Backlog):
    """Unpublished events by position; there is one relay, and all shards are its own."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._database, self._clock = store, clock
        self._blocked: dict[UUID, BlockedAggregate] = {}

    async def hold(self, seconds: float) -> int:
        return SHARD_COUNT if seconds else 0

    async def unpublished(self, limit: int) -> Sequence[OutboxEntry]:
        now = self._clock.now()
        blocked = {each.aggregate for each in self._blocked.values() if each.until > now}
        failed_publishes = {each.aggregate: each.attempts for each in self._blocked.values()}
        waiting = [
            OutboxEntry(
                position,
                crc32(message.subject.bytes) % SHARD_COUNT,
                message,
                failed_publishes=failed_publishes.get(message.subject, 0),
            )
            for position, message in sorted(self._database.outbox.items())
            if message.subject not in blocked
        ]
        return waiting[:limit]

    async def published(self, events: Sequence[OutboxEntry], at: datetime) -> int:
        for event in events:
            self._blocked.pop(event.message.subject, None)
            if self._database.outbox.pop(event.position, None):
                self._database.publications[event.message.id] = at
        return len(events)

    async def block(self, failed_publishes: Sequence[PublishFailure]) -> None:
        for event, reason in failed_publishes:
            aggregate, until = (
                event.message.subject,
                self._clock.now() + timedelta(seconds=backoff_seconds(event.failed_publishes)),
            )
            self._blocked[aggregate] = BlockedAggregate(
                aggregate, event.message.id, event.failed_publishes + 1, until, reason
            )

    async def look(self) -> OutboxState:
        waiting = self._database.outbox.values()
        oldest = min((message.at for message in waiting), default=None)
        return OutboxState(len(waiting), oldest, {"memory": SHARD_COUNT}, list(self._blocked.values()))


class MemoryAnswers(Answers):
    """Answers by scope and key."""

    def __init__(self, store: Store) -> None:
        self._database = store

    async def to(self, request: RequestContext) -> bytes | None:
        known = self._database.requests.get((request.scope, request.key or ""))
        if known is None:
            return None
        fingerprint, answer, _ = known
        if fingerprint != request.fingerprint:
            raise IdempotencyKeyReused("this idempotency key was used before, for a different body")
        return answer


class MemoryInbox(Inbox):
    """One transaction.  The parts of several messages share their inserts."""

    def __init__(
        self, consumer: str, store: Store, committed: Callable[[Collection[str]], None], clock: Clock, ids: Ids
    ) -> None:
        self._consumer, self._database, self._committed = consumer, store, committed
        self._clock, self._ids = clock, ids
        self._written: set[str] = set()
        self._is_batch, self._conflict = False, False

    async def __aenter__(self) -> Self:
        await self._database.lock.acquire()
        self._transaction = Transaction()
        self.dead_letters = MemoryDeadLetters(self._consumer, self._database, self._transaction, self._clock)
        self._done = False
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._done:
            self._transaction.rollback_to(0)
        self._database.lock.release()

    async def deduplicate(self, *messages: Message) -> Sequence[Message]:
        self._is_batch = len(messages) > 1
        new = []
        for message in messages:
            key = self._consumer, message.id
            if key not in self._database.inbox:
                self._transaction.put(self._database.inbox, key, self._clock.now())
                new.append(message)
        return new

    def new_work(self) -> MemoryUnitOfWork:
        part = partial(MemoryUnitOfWork, self._database, self._written.update, self._clock, self._ids)
        return part(self._part, self._take) if self._is_batch else part(self._part)

    async def bury(self, message: Message, reason: Exception) -> None:
        letter = buried(message, reason, self._clock.now())
        self._transaction.put(self._database.dead_letters, (self._consumer, message.id), (letter, message))

    async def commit(self) -> None:
        if self._conflict:
            raise Conflict("something in the batch was there before")
        self._done = True
        self._committed(self._written)

    @asynccontextmanager
    async def _part(self) -> AsyncIterator[Transaction]:
        yield self._transaction

    def _take(self, inserts: Iterable[Insert]) -> None:
        try:
            insert_all(inserts)
        except Conflict:
            self._conflict = True  # it shows at the commit of all


class MemoryRetention(Retention):
    """Forgetting in dictionaries."""

    def __init__(self, store: Store) -> None:
        self._database = store

    async def forget(self, memory: RetainedRecords, before: datetime, limit: int) -> int:
        table: dict[Any, Any] = self._database.inbox if memory is RetainedRecords.INBOX else self._database.requests
        old = [key for key, row in table.items() if (row if memory is RetainedRecords.INBOX else row[2]) < before][
            :limit
        ]
        for key in old:
            del table[key]
        return len(old)
