"""The inbox of the memory database."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

from adapters.memory.engine.database import Insert, MemoryDatabase, Scope, UndoLog, insert_all
from adapters.memory.messaging.dead_letters import MemoryDeadLetters, dead_letter_of
from core.kernel.clock import Clock
from core.kernel.errors import Conflict
from core.messaging.inbox import Inbox, refuse_reused_id
from core.messaging.message import Message


class MemoryInbox(Inbox):
    """One transaction; the units of work of a batch share its undo log and report conflicts at its commit."""

    def __init__(self, consumer: str, database: MemoryDatabase, clock: Clock) -> None:
        self._consumer, self._database, self._clock = consumer, database, clock
        self._signals: set[str] = set()
        self._is_batch, self._conflict = False, False

    async def __aenter__(self) -> Self:
        await self._database.lock.acquire()
        self._undo_log = UndoLog()
        self.dead_letters = MemoryDeadLetters(self._consumer, self._database, self._undo_log, self._clock)
        self._done = False
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._done:
            self._undo_log.rollback_to(0)
        self._database.lock.release()

    async def deduplicate(self, *messages: Message) -> Sequence[Message]:
        self._is_batch = len(messages) > 1
        new = []
        for message in messages:
            key = self._consumer, message.id
            if known := self._database.inbox.get(key):
                refuse_reused_id(message, known[1])
            else:
                self._undo_log.put(self._database.inbox, key, (self._clock.now(), message.fingerprint))
                new.append(message)
        return new

    async def bury(self, message: Message, reason: Exception) -> None:
        letter = dead_letter_of(message, reason, self._clock.now())
        stored = replace(message, malformed="")
        self._undo_log.put(self._database.dead_letters, (self._consumer, message.id), (letter, stored))

    async def commit(self) -> None:
        if self._conflict:
            raise Conflict("a row of the batch exists already")
        self._done = True
        self._database.notify(self._signals)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Scope]:
        yield Scope(self._undo_log, self._insert if self._is_batch else insert_all, self._signals.update)

    def _insert(self, inserts: Iterable[Insert]) -> None:
        try:
            insert_all(inserts)
        except Conflict:
            self._conflict = True  # the commit of the batch raises it
