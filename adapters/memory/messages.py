"""Outbox, inbox and answers in dictionaries."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

from adapters.memory.store import Store, Transaction
from adapters.memory.unit_of_work import MemoryUnitOfWork
from core.shared.clock import Clock
from core.shared.ids import Ids
from core.shared.inbox import Inbox
from core.shared.messages import Message
from core.shared.outbox import Outbox, Outgoing
from core.shared.requests import Answers, IdempotencyKeyReused, Request


class MemoryOutbox(Outbox):
    """Unpublished events by position."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def unpublished(self, limit: int) -> Sequence[Outgoing]:
        return [Outgoing(position, self._store.outbox[position]) for position in sorted(self._store.outbox)[:limit]]

    async def published(self, events: Sequence[Outgoing], at: datetime) -> None:
        for event in events:
            if self._store.outbox.pop(event.position, None):
                self._store.publications[event.message.id] = at


class MemoryAnswers(Answers):
    """Answers by scope and key."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def to(self, request: Request) -> bytes | None:
        fingerprint, answer = self._store.requests.get((request.scope, request.key or ""), (None, None))
        if answer is not None and fingerprint != request.fingerprint:
            raise IdempotencyKeyReused("this idempotency key was used before, for a different body")
        return answer


class MemoryInbox(Inbox):
    """A transaction over a batch of messages."""

    def __init__(
        self, consumer: str, store: Store, committed: Callable[[Collection[str]], None], clock: Clock, ids: Ids
    ) -> None:
        self._consumer, self._store, self._committed = consumer, store, committed
        self._clock, self._ids = clock, ids
        self._written: set[str] = set()

    async def __aenter__(self) -> Self:
        await self._store.lock.acquire()
        self._transaction = Transaction()
        self._done = False
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._done:
            self._transaction.back_to(0)
        self._store.lock.release()

    async def accept(self, message: Message) -> bool:
        key = self._consumer, message.id
        if key in self._store.inbox:
            return False
        self._transaction.put(self._store.inbox, key, self._clock.now())
        return True

    def new_work(self) -> MemoryUnitOfWork:
        return MemoryUnitOfWork(self._store, self._written.update, self._ids, self._part)

    async def bury(self, message: Message, reason: Exception) -> None:
        key = self._consumer, message.id
        self._transaction.put(self._store.dead_letters, key, (message, f"{type(reason).__name__}: {reason}"))

    async def commit(self) -> None:
        self._done = True
        self._committed(self._written)

    @asynccontextmanager
    async def _part(self) -> AsyncIterator[Transaction]:
        yield self._transaction
