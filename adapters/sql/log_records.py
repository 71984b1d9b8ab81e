"""Compares the rows of projections with the event log, and completes them, in SQL."""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from uuid import UUID

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from adapters.sql.engine.snapshot import snapshot
from adapters.sql.engine.tables import event_log
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.ledger.posting_sums import SqlPostingSums
from adapters.sql.messaging.projections import events_of, live_generation
from adapters.sql.messaging.tables import inbox
from adapters.sql.projected_rows import compare, refuse_part, rows_by_table, told_key
from adapters.sql.projected_tables import PROJECTED_TABLES, ProjectedTables
from core.kernel.errors import Conflict, Unavailable
from core.messaging.log_records import (
    Comparison,
    Difference,
    LogSnapshot,
    LogSnapshots,
    Records,
    RecordStore,
)
from core.messaging.message import Message


class SqlLogSnapshots(LogSnapshots):
    """Opens snapshots of the database."""

    def __init__(self, consumer: str, database: Database) -> None:
        self._consumer, self._database = consumer, database

    @asynccontextmanager
    async def open(self, projection: str) -> AsyncIterator[LogSnapshot]:
        async with snapshot(self._database) as connection:
            generation = await connection.scalar(select(live_generation(projection)))
            yield SqlLogSnapshot(connection, self._consumer, PROJECTED_TABLES[projection], generation or 0)


class SqlLogSnapshot(LogSnapshot):
    """Reads the log and rows in one transaction."""

    def __init__(self, connection: AsyncConnection, consumer: str, projected: ProjectedTables, generation: int) -> None:
        self._connection, self._consumer = connection, consumer
        self._projected, self._generation = projected, generation

    async def events(self, context: str, after: UUID | None, limit: int) -> Sequence[Message]:
        return await events_of(self._connection, context, after, limit)

    async def compare(self, records: Records) -> Comparison:
        expected = rows_by_table(self._projected, records, self._generation)
        compared, missing = await compare(self._connection, self._projected, expected)
        named = [Difference(table.name, told_key(table, row), "") for table, row in missing]
        return replace(compared, differences=[*named, *compared.differences])

    async def count(self) -> int:
        return sum([await self._count(table) for table in self._projected.tables])

    async def unprocessed(self, events: Sequence[Message]) -> Collection[UUID]:
        theirs = (inbox.c.consumer == self._consumer) & inbox.c.message_id.in_([each.id for each in events])
        known = set(await self._connection.scalars(select(inbox.c.message_id).where(theirs)))
        # Events before the oldest one in the inbox were there until their rows expired.
        entries = inbox.join(event_log, event_log.c.event_id == inbox.c.message_id)
        in_order = select(event_log.c.event_id).select_from(entries).order_by(inbox.c.at, event_log.c.event_id)
        oldest = await self._connection.scalar(in_order.limit(1))
        return {each.id for each in events if each.id not in known and (oldest is None or each.id >= oldest)}

    async def _count(self, table: Table) -> int:
        live = [table.c.generation == self._generation] if self._projected.has_generations else []
        return await self._connection.scalar(select(func.count()).select_from(table).where(*live)) or 0


class SqlRecordStore(RecordStore):
    """Inserts the rows that are missing."""

    def __init__(self, database: Database, new_work: Callable[[], SqlUnitOfWork]) -> None:
        self._new_work, self._sums = new_work, SqlPostingSums(database)

    async def complete(self, projection: str, records: Records) -> Comparison:
        projected = PROJECTED_TABLES[projection]
        expected = rows_by_table(projected, records, generation=0)
        with concurrent_changes_as_unavailable():
            async with self._new_work() as work:
                compared, missing = await compare(await work.connect(), projected, expected)
                for table, row in missing:
                    refuse_part(table, row)
                for table, row in projected.completing(missing):
                    work.insert(table, dict(row))
                await work.commit()
        return compared

    async def derive(self, projection: str) -> int:
        return await self._sums.add_up_again() if projection == "ledger" else 0


@contextmanager
def concurrent_changes_as_unavailable() -> Iterator[None]:
    """Raise `Unavailable` when another transaction has stored one of the rows: the next attempt finds it."""
    try:
        yield
    except Conflict as error:
        if type(error) is not Conflict:
            raise
        raise Unavailable("the consumer has stored one of the records meanwhile") from error
