"""The outbox in SQL, shared among relays by leases."""

from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

from msgspec import json
from sqlalchemy import Select, bindparam, delete, insert, select, text

from adapters.sql.database import Database
from adapters.sql.event_log import from_row
from adapters.sql.leases import SqlLeases
from adapters.sql.now import now
from adapters.sql.tables import blocked_aggregates, event_log, outbox
from adapters.sql.types import Moment
from core.shared.outbox import SHARDS, Outbox, Outgoing, Refusal, pause

# Row by row by the primary key: for `position IN (…)` MySQL may scan the table, and a scan waits for every event
# that somebody is just about to commit.
NOTE = {
    "mysql": "INSERT IGNORE INTO publications (event_id, at) SELECT event_id, :at"
    " FROM JSON_TABLE(:positions, '$[*]' COLUMNS (position BIGINT PATH '$')) sent"
    " STRAIGHT_JOIN outbox ON outbox.position = sent.position",
    "sqlite": "INSERT OR IGNORE INTO publications (event_id, at) SELECT event_id, :at"
    " FROM outbox WHERE position IN (SELECT value FROM json_each(:positions))",
}
DELETE = {
    "mysql": "DELETE outbox FROM JSON_TABLE(:positions, '$[*]' COLUMNS (position BIGINT PATH '$')) sent"
    " STRAIGHT_JOIN outbox ON outbox.position = sent.position",
    "sqlite": "DELETE FROM outbox WHERE position IN (SELECT value FROM json_each(:positions))",
}


class SqlOutbox(Outbox):
    """Unpublished events: rows that are gone once the broker has them."""

    def __init__(self, database: Database, holder: str, clock: Callable[[], float] = monotonic) -> None:
        self._database, self._leases = database, SqlLeases(database, holder, clock)

    async def hold(self, seconds: float) -> int:
        return await self._leases.hold(seconds)

    async def unpublished(self, limit: int) -> Sequence[Outgoing]:
        if not (shards := self._leases.shards):
            return []
        async with self._database.reading() as connection:
            rows = await connection.execute(oldest(shards).limit(limit))
        return [
            Outgoing(position, shard, from_row(logged), refusals or 0) for position, shard, refusals, *logged in rows
        ]

    async def published(self, events: Sequence[Outgoing], at: datetime) -> int:
        async with self._database.writing() as connection:
            ours = await self._leases.still_ours(connection, {event.shard for event in events})
            gone = [event for event in events if event.shard in ours]
            if gone:
                positions = json.encode([event.position for event in gone]).decode()
                note = text(NOTE[connection.dialect.name]).bindparams(bindparam("at", type_=Moment))
                await connection.execute(note, {"positions": positions, "at": at})
                await connection.execute(text(DELETE[connection.dialect.name]), {"positions": positions})
            if freed := {event.message.subject for event in gone if event.refusals}:
                await connection.execute(delete(blocked_aggregates).where(blocked_aggregates.c.aggregate_id.in_(freed)))
            await connection.commit()
        return len(gone)

    async def block(self, refusals: Sequence[Refusal]) -> None:
        blocked = {refusal.event.message.subject for refusal in refusals}
        async with self._database.writing() as connection:
            await connection.execute(delete(blocked_aggregates).where(blocked_aggregates.c.aggregate_id.in_(blocked)))
            for event, reason in refusals:
                row = insert(blocked_aggregates).values(
                    aggregate_id=event.message.subject,
                    event_id=event.message.id,
                    attempts=event.refusals + 1,
                    until=now(pause(event.refusals)),
                    reason=reason[:500],
                )
                await connection.execute(row)
            await connection.commit()


def oldest(shards: frozenset[int]) -> Select[Any]:
    """Return what asks for the events of some shards that may be sent now, in the order of their commits."""
    blocked = blocked_aggregates.c
    query = (
        select(outbox.c.position, outbox.c.shard, blocked.attempts, event_log)
        .select_from(
            outbox.join(event_log, event_log.c.event_id == outbox.c.event_id).outerjoin(
                blocked_aggregates, blocked.aggregate_id == event_log.c.aggregate_id
            )
        )
        # Left to itself, MySQL may choose joins for which it reads and sorts the whole backlog.
        .prefix_with("/*+ JOIN_FIXED_ORDER() NO_BNL() */", dialect="mysql")
        .where(blocked.until.is_(None) | (blocked.until <= now()))
        .order_by(outbox.c.position)
    )
    return query if len(shards) == SHARDS else query.where(outbox.c.shard.in_(shards))
