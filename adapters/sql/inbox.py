"""The inbox in SQL."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from adapters.sql.dead_letters import SqlDeadLetters, as_row, one
from adapters.sql.tables import dead_letters, inbox, insert_ignore
from adapters.sql.unit_of_work import Begin, SqlUnitOfWork
from core.shared.clock import Clock
from core.shared.inbox import Inbox
from core.shared.messages import Message

NewPart = Callable[..., SqlUnitOfWork]
"""Makes a unit of work out of another `begin` and `committed`."""


class SqlInbox(Inbox):
    """A transaction over a batch of messages, in which each has a savepoint of its own."""

    def __init__(
        self, consumer: str, begin: Begin, new_part: NewPart, committed: Callable[[Collection[str]], None], clock: Clock
    ) -> None:
        self._consumer, self._begin, self._new_part = consumer, begin, new_part
        self._committed, self._clock = committed, clock
        self._written: set[str] = set()

    async def __aenter__(self) -> Self:
        self._scope = self._begin()
        self._connection, self._transaction = await self._scope.__aenter__()
        self.dead_letters = SqlDeadLetters(self._consumer, self._connection, self._clock)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._scope.__aexit__(kind, error, trace)

    async def accept(self, message: Message) -> bool:
        row = {"consumer": self._consumer, "message_id": message.id, "at": self._clock.now()}
        return (await self._connection.execute(insert_ignore(inbox), row)).rowcount == 1

    def new_work(self) -> SqlUnitOfWork:
        return self._new_part(begin=self._savepoint, committed=self._written.update)

    async def bury(self, message: Message, reason: Exception) -> None:
        row = as_row(self._consumer, message, reason, self._clock.now())
        await self._connection.execute(delete(dead_letters).where(one(self._consumer, message.id)))
        await self._connection.execute(insert(dead_letters), row)

    async def commit(self) -> None:
        await self._transaction.commit()
        self._committed(self._written)

    @asynccontextmanager
    async def _savepoint(self) -> AsyncIterator[tuple[AsyncConnection, AsyncTransaction]]:
        savepoint = await self._connection.begin_nested()
        try:
            yield self._connection, savepoint
        finally:
            if savepoint.is_active:
                await savepoint.rollback()
