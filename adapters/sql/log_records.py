"""Compares the rows of projections with the event log, and completes them, in SQL."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import cache
from operator import itemgetter
from typing import Any
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
from adapters.sql.projected_tables import PROJECTED_TABLES, ProjectedTables
from core.kernel.errors import Conflict, Unavailable
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
        lookup, key_of = projected.lookup[table], key_getter(table)
        which = [lookup.in_({row[lookup.name] for row in rows})]
        if projected.has_generations:  # the first column of the key
            which.append(table.c.generation == rows[0]["generation"])
        query = select(table).where(*which)
        stored = {key_of(each): each for each in [row._asdict() for row in await connection.execute(query)]}
        for row in rows:
            same = stored.get(key_of(row))
            if same is None or ("version" in row and same["version"] < row["version"]):
                missing.append((table, row))
            elif "version" not in row or same["version"] == row["version"]:
                found += 1
                other = [name for name, value in row.items() if same[name] != value]
                differences += [Difference(table.name, told_key(table, row), name) for name in other]
    return Comparison(found, len(missing), differences), missing


@cache
def key_getter(table: Table) -> Callable[[Row], Any]:
    """Return a function that returns the primary key of a row."""
    return itemgetter(*[column.name for column in table.primary_key.columns])


def told_key(table: Table, row: Row) -> str:
    """Return the primary key of a row as people read it."""
    return " ".join(str(row[column.name]) for column in table.primary_key.columns)


def refuse_part(table: Table, row: Row) -> None:
    """Raise `UnreadableLog` for a row of which the log tells a part: a release before this one logged it."""
    if len(row) == len(table.columns):
        return
    lacks = ", ".join(column.name for column in table.columns if column.name not in row)
    raise UnreadableLog(
        f"{table.name} {told_key(table, row)} is missing, and an earlier release logged it without {lacks}: "
        "restore the row from a backup"
    )
