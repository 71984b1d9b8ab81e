"""Compares the rows of projections with the event log, and completes them, in SQL."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from adapters.sql.engine.snapshot import snapshot
from adapters.sql.engine.tables import event_log
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.ledger.posting_sums import SqlPostingSums
from adapters.sql.messaging.projections import events_of, live_generation
from adapters.sql.messaging.tables import inbox
from adapters.sql.projected_tables import PROJECTED_TABLES, ProjectedTables
from core.messaging.log_records import (
    Comparison,
    Difference,
    LogSnapshot,
    LogSnapshots,
    Records,
    RecordStore,
    UnreadableLog,
)
from core.messaging.message import Message

Row = Mapping[str, Any]
Expected = Mapping[Table, Sequence[Row]]


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
        compared, _ = await compare(self._connection, self._projected, expected)
        return compared

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
        async with self._new_work() as work:
            compared, missing = await compare(await work.connect(), projected, expected)
            for table, row in missing:
                refuse_part(table, row)
                work.insert(table, dict(row))
            await work.commit()
        return compared

    async def derive(self, projection: str) -> int:
        return await self._sums.add_up_again() if projection == "ledger" else 0


def rows_by_table(projected: ProjectedTables, records: Records, generation: int) -> Expected:
    """Return the rows of records by table."""
    rows = defaultdict[Table, list[Row]](list)
    for record in records:
        for table, row in projected.rows(record, generation):
            rows[table].append(row)
    return rows


async def compare(
    connection: AsyncConnection, projected: ProjectedTables, expected: Expected
) -> tuple[Comparison, Sequence[tuple[Table, Row]]]:
    """Return the comparison of rows with the stored ones, and the missing rows."""
    found, differences, missing = 0, list[Difference](), list[tuple[Table, Row]]()
    for table, rows in expected.items():
        lookup = projected.lookup[table]
        which = [lookup.in_({row[lookup.name] for row in rows})]
        if projected.has_generations:  # the first column of the key
            which.append(table.c.generation == rows[0]["generation"])
        stored = await stored_rows(connection, table, which)
        for row in rows:
            same = stored.get(key_of(table, row))
            if same is None or ("version" in row and same["version"] < row["version"]):
                differences.append(Difference(table.name, told_key(table, row), ""))
                missing.append((table, row))
            elif "version" not in row or same["version"] == row["version"]:
                found += 1
                other = [name for name, value in row.items() if same[name] != value]
                differences += [Difference(table.name, told_key(table, row), name) for name in other]
    return Comparison(found, differences), missing


async def stored_rows(
    connection: AsyncConnection, table: Table, which: Sequence[ColumnElement[bool]]
) -> Mapping[tuple[Any, ...], Row]:
    """Return the stored rows by primary key."""
    rows = [row._asdict() for row in await connection.execute(select(table).where(*which))]
    return {key_of(table, row): row for row in rows}


def key_of(table: Table, row: Row) -> tuple[Any, ...]:
    """Return the primary key of a row."""
    return tuple([row[column.name] for column in table.primary_key.columns])


def told_key(table: Table, row: Row) -> str:
    """Return the primary key of a row as people read it."""
    return " ".join(str(each) for each in key_of(table, row))


def refuse_part(table: Table, row: Row) -> None:
    """Raise `UnreadableLog` for a row of which the log tells a part: a release before this one logged it."""
    if lacks := [column.name for column in table.columns if column.name not in row]:
        raise UnreadableLog(
            f"{table.name} {told_key(table, row)} is missing, and an earlier release logged it without "
            f"{', '.join(lacks)}: restore the row from a backup"
        )
