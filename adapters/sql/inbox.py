"""The inbox in SQL."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from adapters.sql.database import Connect, Deadlocked
from adapters.sql.dead_letters import SqlDeadLetters, dead_letter_row, one
from adapters.sql.tables import dead_letters, inbox, insert_ignore
from adapters.sql.transactions import Commit, Row, Rows, flush, flush_and_commit
from adapters.sql.unit_of_work import SqlUnitOfWork
from core.kernel.clock import Clock
from core.kernel.errors import Conflict
from core.messaging.inbox import Inbox
from core.messaging.message import Message

Transaction = Callable[[], AbstractAsyncContextManager[tuple[AsyncConnection, AsyncTransaction]]]
NewPart = Callable[..., SqlUnitOfWork]
"""Makes a unit of work out of another `begin`."""


class SqlInbox(Inbox):
    """One transaction, its parts savepoints: those of several messages share their inserts."""

    def __init__(
        self,
        consumer: str,
        transaction: Transaction,
        new_part: NewPart,
        committed: Callable[[Collection[str]], None],
        clock: Clock,
    ) -> None:
        self._consumer, self._new_part = consumer, new_part
        self._committed, self._clock, self._scope = committed, clock, transaction()
        self._together = False
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)
        self._written: set[str] = set()

    async def __aenter__(self) -> Self:
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
        if isinstance(error, Deadlocked) and self._together:  # one alone holds in an order all keep to
            raise Conflict("what the batch holds together, somebody else wants in another order") from error

    async def deduplicate(self, *messages: Message) -> Sequence[Message]:
        if len(messages) == 1:
            added = await self._connection.execute(insert_ignore(inbox), self._remembered(messages[0].id))
            return messages[: added.rowcount]
        self._together = True
        mine = (inbox.c.consumer == self._consumer) & inbox.c.message_id.in_([message.id for message in messages])
        known = set(await self._connection.scalars(select(inbox.c.message_id).where(mine)))
        new: dict[UUID, Message] = {}
        for message in messages:
            if message.id not in known:
                new.setdefault(message.id, message)
        self._rows[inbox.name] += map(self._remembered, new)
        return list(new.values())

    def new_work(self) -> SqlUnitOfWork:
        return self._new_part(begin=self._part)

    async def bury(self, message: Message, reason: Exception) -> None:
        row = dead_letter_row(self._consumer, message, reason, self._clock.now())
        await self._connection.execute(delete(dead_letters).where(one(self._consumer, message.id)))
        await self._connection.execute(insert(dead_letters), row)

    async def commit(self) -> None:
        await self._flush()
        await self._transaction.commit()
        self._committed(self._written)

    def _remembered(self, message: UUID) -> dict[str, Any]:
        return {"consumer": self._consumer, "message_id": message, "at": self._clock.now()}

    @asynccontextmanager
    async def _part(self) -> AsyncIterator[tuple[Connect, Commit]]:
        """Begin a part: a savepoint, which one that only inserts among others' inserts can do without."""
        savepoints: list[AsyncTransaction] = []

        async def connect() -> AsyncConnection:
            await self._flush()  # whoever looks sees what the parts before him wrote
            if not savepoints:
                savepoints.append(await self._connection.begin_nested())
            return self._connection

        async def commit(rows: Rows) -> None:
            if not self._together:
                await connect()
                await flush_and_commit(rows, self._connection, savepoints[0])
                self._written.update(rows)
                return
            for savepoint in savepoints:
                await savepoint.commit()
            for name, some in rows.items():
                self._rows[name] += some

        try:
            yield connect, commit
        except Deadlocked:
            savepoints.clear()  # the database has undone everything
            raise
        finally:
            for savepoint in savepoints:
                if savepoint.is_active:
                    await savepoint.rollback()

    async def _flush(self) -> None:
        """Insert what waits; what cannot be inserted goes on waiting, so that the commit fails, too."""
        if not self._rows:
            return
        try:
            await flush(self._rows, self._connection)
        except IntegrityError as error:
            raise Conflict("something in the batch was there before") from error
        self._written.update(self._rows)
        self._rows.clear()
