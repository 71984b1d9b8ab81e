"""The outbox in SQL, shared among relays by leases."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from msgspec import json
from sqlalchemy import Row, Select, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.database import Database
from adapters.sql.tables import (
    blocked_aggregates,
    event_log,
    insert_ignore,
    outbox,
    publications,
    relay_leases,
    relays,
)
from core.shared.leases import Lease, divide, tokens
from core.shared.messages import Message
from core.shared.outbox import SHARDS, Backlog, Blocked, Outbox, OutboxState, Outgoing
from core.shared.trace import Trace

LONGEST_BLOCK = 300
"""Seconds."""
DELETE = {
    # Row by row by the primary key: for `position IN (…)` MySQL may scan the table, and a scan waits for every
    # event that somebody is just about to commit.
    "mysql": text(
        "DELETE outbox FROM JSON_TABLE(:positions, '$[*]' COLUMNS (position BIGINT PATH '$')) sent"
        " STRAIGHT_JOIN outbox ON outbox.position = sent.position"
    ),
    "sqlite": text("DELETE FROM outbox WHERE position IN (SELECT value FROM json_each(:positions))"),
}


class SqlOutbox(Outbox):
    """Unpublished events: rows that are gone once the broker has them.

    Leases are judged by the clock of the database; in between, by how long ago we asked for ours, on a clock
    that goes on while the process is stopped.
    """

    def __init__(self, database: Database, holder: str, now: Callable[[], float] = monotonic) -> None:
        self._database, self._holder, self._now = database, holder, now
        self._tokens: dict[int, int] = {}
        self._until = 0.0

    async def hold(self, seconds: float) -> int:
        asked = self._now()
        async with self._database.writing() as connection:
            query = select(relay_leases).order_by(relay_leases.c.shard).with_for_update()
            leases = [Lease(row.shard, row.holder, row.token, row.until) for row in await connection.execute(query)]
            now = await database_time(connection)
            until = now + timedelta(seconds=seconds)
            alive = await self._sign_in(connection, now, until)
            changed = divide(leases, self._holder, alive, now, until) if seconds else self._given_back(leases, now)
            for lease in changed:
                values = {"holder": lease.holder, "token": lease.token, "until": lease.until}
                await connection.execute(update(relay_leases).where(relay_leases.c.shard == lease.shard).values(values))
            await connection.commit()
        self._tokens, self._until = dict(tokens(changed, self._holder)), asked + seconds
        return len(self._tokens)

    async def unpublished(self, limit: int) -> Sequence[Outgoing]:
        if not self._tokens or self._now() >= self._until:
            return []
        async with self._database.reading() as connection:
            rows = await connection.execute(self._oldest(await database_time(connection)).limit(limit))
        return [Outgoing(row.position, row.shard, from_row(row)) for row in rows]

    async def published(self, events: Sequence[Outgoing], at: datetime) -> int:
        async with self._database.writing() as connection:
            ours = await self._still_ours(connection, {event.shard for event in events})
            gone = [event for event in events if event.shard in ours]
            if gone:
                rows = [{"event_id": event.message.id, "at": at} for event in gone]
                await connection.execute(insert_ignore(publications), rows)
                positions = json.encode([event.position for event in gone])
                await connection.execute(DELETE[connection.dialect.name], {"positions": positions.decode()})
                subjects = {event.message.subject for event in gone}
                unblocked = blocked_aggregates.c.aggregate_id.in_(subjects)
                await connection.execute(delete(blocked_aggregates).where(unblocked))
            await connection.commit()
        return len(gone)

    async def block(self, event: Outgoing, reason: str) -> None:
        which = blocked_aggregates.c.aggregate_id == event.message.subject
        async with self._database.writing() as connection:
            attempts = await connection.scalar(select(blocked_aggregates.c.attempts).where(which).with_for_update())
            wait = timedelta(seconds=min(1 << min(attempts or 0, 16), LONGEST_BLOCK))
            await connection.execute(delete(blocked_aggregates).where(which))
            row = {
                "aggregate_id": event.message.subject,
                "event_id": event.message.id,
                "attempts": (attempts or 0) + 1,
                "until": await database_time(connection) + wait,
                "reason": reason[:500],
            }
            await connection.execute(insert(blocked_aggregates), row)
            await connection.commit()

    async def _sign_in(self, connection: AsyncConnection, now: datetime, until: datetime) -> int:
        """Say that we are here, forget who is not, and return how many are."""
        gone = (relays.c.until <= now) | (relays.c.holder == self._holder)
        await connection.execute(delete(relays).where(gone))
        if until > now:
            await connection.execute(insert(relays), {"holder": self._holder, "until": until})
        return await connection.scalar(select(func.count()).select_from(relays)) or 0

    def _given_back(self, leases: Sequence[Lease], now: datetime) -> Sequence[Lease]:
        return [Lease(lease.shard, "", lease.token, now) for lease in leases if lease.holder == self._holder]

    async def _still_ours(self, connection: AsyncConnection, shards: set[int]) -> set[int]:
        """Return which of these shards nobody took from us, and keep it so until the transaction ends."""
        query = select(relay_leases.c.shard, relay_leases.c.token).where(relay_leases.c.shard.in_(shards))
        rows = await connection.execute(query.with_for_update(read=True))
        return {row.shard for row in rows if self._tokens.get(row.shard) == row.token}

    def _oldest(self, now: datetime) -> Select[Any]:
        blocked = select(blocked_aggregates.c.aggregate_id).where(blocked_aggregates.c.until > now)
        query = (
            select(outbox.c.position, outbox.c.shard, event_log)
            .select_from(outbox.join(event_log, event_log.c.event_id == outbox.c.event_id))
            .where(event_log.c.aggregate_id.not_in(blocked))
            .order_by(outbox.c.position)
        )
        return query if len(self._tokens) == SHARDS else query.where(outbox.c.shard.in_(self._tokens))


class SqlBacklog(Backlog):
    """How the outbox stands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self) -> OutboxState:
        held = select(relay_leases.c.holder, func.count().label("shards")).group_by(relay_leases.c.holder)
        oldest = select(func.min(event_log.c.at)).join(outbox, outbox.c.event_id == event_log.c.event_id)
        async with self._database.reading() as connection:
            return OutboxState(
                waiting=await connection.scalar(select(func.count()).select_from(outbox)) or 0,
                oldest=await connection.scalar(oldest),
                relays={row.holder: row.shards for row in await connection.execute(held)},
                blocked=[
                    Blocked(row.aggregate_id, row.event_id, row.attempts, row.until, row.reason)
                    for row in await connection.execute(select(blocked_aggregates))
                ],
            )


async def database_time(connection: AsyncConnection) -> datetime:
    """Return what time it is for all relays: the database's, or ours where the database is a file."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    now: datetime = (await connection.execute(select(func.utc_timestamp(6)))).scalar_one()
    return now.replace(tzinfo=UTC)


def from_row(row: Row[Any]) -> Message:
    """Rebuild a message from the log of events."""
    return Message(
        id=row.event_id,
        type=row.type,
        context=row.context,
        subject=row.aggregate_id,
        version=row.aggregate_version,
        at=row.at,
        body=row.body.encode(),
        trace=Trace(row.request_id, row.traceparent),
    )
