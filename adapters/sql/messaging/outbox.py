"""The outbox in SQL, whose shards relays share by leases."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

from msgspec import json
from sqlalchemy import Select, bindparam, delete, select, text

from adapters.sql.engine.database import Database
from adapters.sql.engine.now import now
from adapters.sql.engine.tables import event_log, insert_ignore, outbox
from adapters.sql.engine.types import UtcDateTime
from adapters.sql.messaging.event_log import from_row
from adapters.sql.messaging.leases import SqlLeases
from adapters.sql.messaging.tables import blocked_aggregates
from core.messaging.outbox import SHARD_COUNT, Outbox, OutboxEntry, PublishFailure, backoff_seconds

blocked = blocked_aggregates.c
# Each autocommit statement checks the fencing tokens itself: a relay that is suspended half way blocks no other one.
# Rows are joined by the primary key, because for `position IN (…)` MySQL may scan the table, and a scan waits for
# every uncommitted event.
NOTE = {
    "mysql": "INSERT IGNORE INTO publications (event_id, at) SELECT event_id, :at FROM JSON_TABLE(:sent, '$[*]' COLUMNS"
    " (position BIGINT PATH '$[0]', shard INT PATH '$[1]', token BIGINT PATH '$[2]')) sent"
    " STRAIGHT_JOIN relay_leases lease ON lease.shard = sent.shard AND lease.token = sent.token"
    " STRAIGHT_JOIN outbox ON outbox.position = sent.position",
    "sqlite": "INSERT OR IGNORE INTO publications (event_id, at) SELECT event_id, :at FROM outbox WHERE position IN"
    " (SELECT json_extract(value, '$[0]') FROM json_each(:sent) JOIN relay_leases"
    " ON shard = json_extract(value, '$[1]') AND token = json_extract(value, '$[2]'))",
}
DELETE = {
    "mysql": "DELETE outbox FROM JSON_TABLE(:sent, '$[*]' COLUMNS"
    " (position BIGINT PATH '$[0]', shard INT PATH '$[1]', token BIGINT PATH '$[2]')) sent"
    " STRAIGHT_JOIN relay_leases lease ON lease.shard = sent.shard AND lease.token = sent.token"
    " STRAIGHT_JOIN outbox ON outbox.position = sent.position",
    "sqlite": "DELETE FROM outbox WHERE position IN"
    " (SELECT json_extract(value, '$[0]') FROM json_each(:sent) JOIN relay_leases"
    " ON shard = json_extract(value, '$[1]') AND token = json_extract(value, '$[2]'))",
}


class SqlOutbox(Outbox):
    """Unpublished events: rows that are deleted once the broker has them."""

    def __init__(self, database: Database, holder: str, clock: Callable[[], float] = monotonic) -> None:
        self._database, self._leases = database, SqlLeases(database, holder, clock)

    async def renew(self, seconds: float) -> int:
        return await self._leases.renew(seconds)

    async def unpublished(self, limit: int) -> Sequence[OutboxEntry]:
        if not (shards := self._leases.fencing_tokens):
            return []
        async with self._database.reading() as connection:
            rows = await connection.execute(unpublished_of(shards).limit(limit))
        if not self._leases.fencing_tokens:
            return []  # the leases expired during the query: another relay may hold the shards
        return [
            OutboxEntry(position, shard, from_row(logged), shards[shard], failed_publishes or 0)
            for position, shard, failed_publishes, *logged in rows
        ]

    async def mark_published(self, events: Sequence[OutboxEntry], at: datetime) -> int:
        sent = json.encode([(event.position, event.shard, event.token) for event in events]).decode()
        note, freed = (
            bindparam("at", type_=UtcDateTime),
            {event.message.subject for event in events if event.failed_publishes},
        )
        async with self._database.autocommit() as connection:
            dialect = connection.dialect.name
            await connection.execute(text(NOTE[dialect]).bindparams(note), {"sent": sent, "at": at})
            gone = await connection.execute(text(DELETE[dialect]), {"sent": sent})
            if freed:
                await connection.execute(delete(blocked_aggregates).where(blocked.aggregate_id.in_(freed)))
        return gone.rowcount

    async def block(self, failed_publishes: Sequence[PublishFailure]) -> None:
        rows = [
            {
                "aggregate_id": event.message.subject,
                "event_id": event.message.id,
                "attempts": event.failed_publishes + 1,
                "until": now(backoff_seconds(event.failed_publishes)),
                "reason": reason[:500],
            }
            for event, reason in failed_publishes
        ]
        again = blocked.aggregate_id.in_([row["aggregate_id"] for row in rows])
        async with self._database.autocommit() as connection:
            await connection.execute(delete(blocked_aggregates).where(again))
            await connection.execute(insert_ignore(blocked_aggregates).values(rows))


def unpublished_of(shards: Collection[int]) -> Select[Any]:
    """Select the events of shards that may be sent now, in commit order."""
    query = (
        select(outbox.c.position, outbox.c.shard, blocked.attempts, event_log)
        .select_from(
            outbox.join(event_log, event_log.c.event_id == outbox.c.event_id).outerjoin(
                blocked_aggregates, blocked.aggregate_id == event_log.c.aggregate_id
            )
        )
        # Without the hint MySQL may choose a join that reads and sorts the whole backlog.
        .prefix_with("/*+ JOIN_FIXED_ORDER() NO_BNL() */", dialect="mysql")
        .where(blocked.until.is_(None) | (blocked.until <= now()))
        .order_by(outbox.c.position)
    )
    return query if len(shards) == SHARD_COUNT else query.where(outbox.c.shard.in_(shards))
