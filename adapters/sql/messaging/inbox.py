"""The inbox in SQL: deduplicates messages and commits their effects in one transaction."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from adapters.sql.engine.conflicts import conflict
from adapters.sql.engine.database import Database
from adapters.sql.engine.driver_errors import Deadlocked
from adapters.sql.engine.inserts import Row, Rows, flush, is_completed_last
from adapters.sql.engine.tables import insert_ignore
from adapters.sql.engine.transactions import Scope, flush_and_commit
from adapters.sql.messaging.dead_letters import SqlDeadLetters, dead_letter_row, is_letter
from adapters.sql.messaging.tables import dead_letters, inbox
from core.kernel.clock import Clock
from core.kernel.errors import Conflict
from core.messaging.inbox import Inbox, refuse_reused_id
from core.messaging.message import Message


class SqlInbox(Inbox):
    """One transaction; units of work are savepoints in it, and those of a batch share their inserts."""

    def __init__(
        self,
        consumer: str,
        database: Database,
        notify: Callable[[Collection[str]], None],
        clock: Clock,
    ) -> None:
        self._consumer, self._notify, self._clock = consumer, notify, clock
        self._scope = database.transaction()
        self.is_batch = False
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)
        self._last_rows: defaultdict[str, list[Row]] = defaultdict(list)
        self.signals: set[str] = set()

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
        if isinstance(error, Deadlocked) and self.is_batch:  # a single message locks in the common order
            raise Conflict(
                "the batch deadlocked with another transaction; its messages are handled one by one"
            ) from error

    async def deduplicate(self, *messages: Message) -> Sequence[Message]:
        if len(messages) == 1:
            return messages if await self._is_new(messages[0]) else ()
        self.is_batch = True
        mine = (inbox.c.consumer == self._consumer) & inbox.c.message_id.in_([message.id for message in messages])
        query = select(inbox.c.message_id, inbox.c.fingerprint).where(mine)
        known: dict[UUID, bytes | None] = {
            row.message_id: row.fingerprint for row in await self._connection.execute(query)
        }
        new = list[Message]()
        for message in messages:
            if message.id in known:
                refuse_reused_id(message, known[message.id])
            else:
                row = self._inbox_row(message)
                self._rows[inbox.name].append(row)
                known[message.id] = row["fingerprint"]
                new.append(message)
        return new

    async def _is_new(self, message: Message) -> bool:
        """Insert the row of a message, after a concurrent transaction with the same id has ended."""
        added = await self._connection.execute(insert_ignore(inbox), self._inbox_row(message))
        if added.rowcount:
            return True
        mine = (inbox.c.consumer == self._consumer) & (inbox.c.message_id == message.id)
        refuse_reused_id(message, await self._connection.scalar(select(inbox.c.fingerprint).where(mine)))
        return False

    def begin(self) -> AbstractAsyncContextManager[Scope]:
        return InboxPart(self)

    async def bury(self, message: Message, reason: Exception) -> None:
        row = dead_letter_row(self._consumer, message, reason, self._clock.now())
        await self._connection.execute(delete(dead_letters).where(is_letter(self._consumer, message.id)))
        await self._connection.execute(insert(dead_letters), row)

    async def commit(self) -> None:
        await self.flush()
        await self._flush_last()
        await self._transaction.commit()
        self._notify(self.signals)

    def _inbox_row(self, message: Message) -> dict[str, Any]:
        return {
            "consumer": self._consumer,
            "message_id": message.id,
            "at": self._clock.now(),
            "fingerprint": message.fingerprint,
        }

    async def savepoint(self) -> tuple[AsyncConnection, AsyncTransaction]:
        """Begin a savepoint after inserting the rows of earlier parts."""
        await self.flush()
        return self._connection, await self._connection.begin_nested()

    def add(self, rows: Rows) -> None:
        """Keep the rows of a part until the next flush."""
        for name, some in rows.items():
            (self._last_rows if is_completed_last(name) else self._rows)[name] += some

    async def flush(self) -> None:
        """Insert the waiting rows; rows that conflict stay, so that the commit fails too."""
        if not self._rows:
            return
        try:
            await flush(self._rows, self._connection)
        except IntegrityError as error:
            raise Conflict("a row of the batch exists already") from error
        self._rows.clear()

    async def _flush_last(self) -> None:
        """Insert the rows that are completed last; other transactions wait for them from here to the commit."""
        try:
            await flush(self._last_rows, self._connection)
        except IntegrityError as error:
            if self.is_batch:
                raise Conflict("a row of the batch exists already") from error
            first_rows = {name: some[0] for name, some in self._last_rows.items()}
            raise await conflict(self._connection, error, first_rows) or error from error


class InboxPart(AbstractAsyncContextManager[Scope], Scope):
    """The part of one unit of work: a savepoint once it reads, else rows for the next flush."""

    def __init__(self, inbox: SqlInbox) -> None:
        self._inbox = inbox
        self._begun: tuple[AsyncConnection, AsyncTransaction] | None = None

    async def __aenter__(self) -> Scope:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        undone = isinstance(error, Deadlocked)  # the database has rolled back the whole transaction
        if self._begun and not undone and self._begun[1].is_active:
            await self._begun[1].rollback()

    async def connect(self) -> AsyncConnection:
        if self._begun is None:
            self._begun = await self._inbox.savepoint()
        else:
            await self._inbox.flush()
        return self._begun[0]

    async def commit(self, rows: Rows, signals: Collection[str]) -> None:
        if self._inbox.is_batch:
            if self._begun:
                await self._begun[1].commit()
            self._inbox.add(rows)
        else:
            await self.connect()
            assert self._begun  # noqa: S101 - connect() begins it
            last = {name: some for name, some in rows.items() if is_completed_last(name)}
            await flush_and_commit({name: rows[name] for name in rows.keys() - last.keys()}, *self._begun)
            self._inbox.add(last)
        self._inbox.signals.update(signals)
