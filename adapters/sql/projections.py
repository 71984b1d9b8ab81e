"""The generations of projections, and the log they are built from, in SQL."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, Table, delete, func, select, tuple_, update

from adapters.sql.database import Database
from adapters.sql.event_log import from_row
from adapters.sql.now import now
from adapters.sql.tables import batch_views, event_log, line_views, projections, sku_views
from core.messaging.message import Message
from core.messaging.projections import EventHistory, Projections, RebuildTakenOver, RebuildUnderWay

STOCK_PROJECTION = "inventory"
VIEWS: Mapping[str, Sequence[Table]] = {STOCK_PROJECTION: (line_views, batch_views, sku_views)}
"""What each projection consists of."""
known = projections.c


class SqlProjections(Projections):
    """A row for each projection.  Every step is one statement that commits itself."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, name: str, seconds: float) -> int:
        free = (known.name == name) & (known.until.is_(None) | (known.until <= now()))
        following = update(projections).where(free).values(newest=known.newest + 1, until=now(seconds))
        async with self._database.writing() as connection:
            if not (await connection.execute(following)).rowcount:
                raise RebuildUnderWay(f"{name} is being rebuilt; if that was killed, try again in {seconds:.0f} s")
            row = await connection.execute(select(known.newest).where(known.name == name))
            await connection.commit()
        generation: int = row.scalar_one()
        return generation

    async def hold(self, name: str, generation: int, seconds: float) -> None:
        await self._change(name, generation, {"until": now(seconds)})

    async def promote(self, name: str, generation: int) -> None:
        await self._change(name, generation, {"live": generation, "until": None})

    async def forget(self, name: str, limit: int) -> int:
        for table in VIEWS[name]:
            keys = list(table.primary_key.columns)
            async with self._database.writing() as connection:
                old = select(*keys).where(table.c.generation < live(name)).order_by(*keys).limit(limit)
                if rows := (await connection.execute(old)).all():
                    gone = delete(table).where(tuple_(*keys).in_([tuple(row) for row in rows]))
                    # MySQL may choose to scan the table, and a scan waits for rows that somebody is about to commit.
                    hint = f"/*+ INDEX({table.name} PRIMARY) */"
                    await connection.execute(gone.prefix_with(hint, dialect="mysql"))
                    await connection.commit()
                    return len(rows)
        return 0

    async def _change(self, name: str, generation: int, change: Mapping[str, Any]) -> None:
        ours = (known.name == name) & (known.newest == generation) & (known.until > now())
        async with self._database.autocommit() as connection:
            if not (await connection.execute(update(projections).where(ours).values(change))).rowcount:
                raise RebuildTakenOver(f"the rebuild of {name} was silent for too long: begin it anew")


class SqlEventHistory(EventHistory):
    """The log by context, by an index of its own: others may have millions of events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, context: str) -> UUID | None:
        async with self._database.reading() as connection:
            newest: UUID | None = await connection.scalar(
                select(func.max(event_log.c.event_id)).where(event_log.c.context == context)
            )
        return newest

    async def page(self, context: str, after: UUID | None, limit: int) -> Sequence[Message]:
        theirs = event_log.c.context == context
        beyond = theirs if after is None else theirs & (event_log.c.event_id > after)
        query = select(event_log).where(beyond).order_by(event_log.c.event_id).limit(limit)
        hinted = query.with_hint(event_log, "FORCE INDEX (ix_event_log_context)", "mysql")
        async with self._database.reading() as connection:
            return [from_row(row) for row in await connection.execute(hinted)]


def live(name: str) -> ScalarSelect[int]:
    """Return the generation that is read, to be asked within a statement: between two it may change."""
    return select(known.live).where(known.name == name).scalar_subquery()


def fed(name: str) -> Select[Any]:
    """Return what asks for the generation that is read, and for the newest and whether it is being built."""
    return select(known.live, known.newest, (known.until > now()).label("building")).where(known.name == name)
