"""The generations of projections, and the event history they are built from, in SQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, Table, delete, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from adapters.sql.engine.now import now
from adapters.sql.engine.tables import event_log
from adapters.sql.messaging.event_log import from_row
from adapters.sql.messaging.tables import projections
from core.messaging.message import Message
from core.messaging.projections import EventHistory, Projections, RebuildTakenOver, RebuildUnderWay

known, logged = projections.c, event_log.c
BEFORE_ALL = UUID(int=0)
CHECKED_EVENTS = 100_000
"""Events in one statement that looks for gaps."""


class SqlProjections(Projections):
    """A row for each projection; every step is one autocommit statement or one short transaction."""

    def __init__(self, database: Database, views: Mapping[str, Sequence[Table]]) -> None:
        """Take the view tables of each projection."""
        self._database, self._views = database, views

    async def begin_rebuild(self, name: str, seconds: float) -> int:
        free = (known.name == name) & (known.until.is_(None) | (known.until <= now()))
        following = update(projections).where(free).values(newest=known.newest + 1, until=now(seconds))
        async with self._database.writing() as connection:
            if not (await connection.execute(following)).rowcount:
                raise RebuildUnderWay.named(name, seconds)
            row = await connection.execute(select(known.newest).where(known.name == name))
            await connection.commit()
        generation: int = row.scalar_one()
        return generation

    async def renew(self, name: str, generation: int, seconds: float) -> None:
        await self._change(name, generation, {"until": now(seconds)})

    async def promote(self, name: str, generation: int) -> None:
        await self._change(name, generation, {"live": generation, "until": None})

    async def purge(self, name: str, limit: int) -> int:
        for table in self._views[name]:
            keys = list(table.primary_key.columns)
            async with self._database.writing() as connection:
                old = select(*keys).where(table.c.generation < live_generation(name)).order_by(*keys).limit(limit)
                if rows := (await connection.execute(old)).all():
                    gone = delete(table).where(tuple_(*keys).in_([tuple(row) for row in rows]))
                    # Without the hint MySQL may scan the table, and a scan waits for uncommitted rows.
                    hint = f"/*+ INDEX({table.name} PRIMARY) */"
                    await connection.execute(gone.prefix_with(hint, dialect="mysql"))
                    await connection.commit()
                    return len(rows)
        return 0

    async def _change(self, name: str, generation: int, change: Mapping[str, Any]) -> None:
        held = (known.name == name) & (known.newest == generation) & (known.until > now())
        async with self._database.autocommit() as connection:
            if not (await connection.execute(update(projections).where(held).values(change))).rowcount:
                raise RebuildTakenOver.named(name)


class SqlEventHistory(EventHistory):
    """The log of one context, by its own index: other contexts may have millions of events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, context: str) -> UUID | None:
        async with self._database.reading() as connection:
            newest: UUID | None = await connection.scalar(
                select(func.max(event_log.c.event_id)).where(event_log.c.context == context)
            )
        return newest

    async def page(self, context: str, after: UUID | None, limit: int) -> Sequence[Message]:
        async with self._database.reading() as connection:
            return await events_of(connection, context, after, limit)

    async def of(self, aggregate: UUID) -> Sequence[Message]:
        query = select(event_log).where(logged.aggregate_id == aggregate).order_by(logged.aggregate_version)
        async with self._database.reading() as connection:
            return [from_row(row) for row in await connection.execute(query)]

    async def gap(self, contexts: Collection[str]) -> str:
        last: UUID | None = BEFORE_ALL
        while last is not None:
            after, ids = last, select(logged.aggregate_id).order_by(logged.aggregate_id)
            async with self._database.reading() as connection:
                last = await connection.scalar(ids.where(logged.aggregate_id > after).offset(CHECKED_EVENTS).limit(1))
                found = (await connection.execute(first_gap(contexts, after, last))).first()
            if found:
                return f"{found.aggregate_id} has {found.events} of {found.newest} events"
        return ""


async def events_of(connection: AsyncConnection, context: str, after: UUID | None, limit: int) -> Sequence[Message]:
    """Return the next events of a context, by its index."""
    theirs = logged.context == context
    beyond = theirs if after is None else theirs & (logged.event_id > after)
    query = select(event_log).where(beyond).order_by(logged.event_id).limit(limit)
    hinted = query.with_hint(event_log, "FORCE INDEX (ix_event_log_context)", "mysql")
    return [from_row(row) for row in await connection.execute(hinted)]


def first_gap(contexts: Collection[str], after: UUID, last: UUID | None) -> Select[Any]:
    """Select the first aggregate of contexts with fewer events than its newest version; it reads an index."""
    events, newest = func.count().label("events"), func.max(logged.aggregate_version).label("newest")
    between = [logged.aggregate_id > after, *([logged.aggregate_id <= last] if last else [])]
    short = (
        select(logged.aggregate_id, events, newest)
        .where(*between)
        .group_by(logged.aggregate_id)
        .having(func.count() != func.max(logged.aggregate_version))
        .subquery()
    )
    theirs = (logged.aggregate_id == short.c.aggregate_id) & logged.context.in_(contexts)
    return select(short).join(event_log, theirs).order_by(short.c.aggregate_id).limit(1)


def live_generation(name: str) -> ScalarSelect[int]:
    """Return the subquery of the live generation, for use within a statement: between two it may change."""
    return select(known.live).where(known.name == name).scalar_subquery()


def generations_of(name: str) -> Select[Any]:
    """Select the live generation, the newest one, and whether a rebuild holds its lease."""
    return select(known.live, known.newest, (known.until > now()).label("building")).where(known.name == name)
