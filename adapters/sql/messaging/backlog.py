"""Reads the state of the outbox in SQL, for people and metrics."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import event_log, outbox
from adapters.sql.messaging.tables import blocked_aggregates, dead_letters, relay_leases
from core.messaging.dead_letters import DeadLetterState
from core.messaging.outbox import MAX_COUNTED_EVENTS, MAX_COUNTED_LETTERS, Backlog, BlockedAggregate, OutboxState


class SqlBacklog(Backlog):
    """Counts waiting events, held shards and blocked aggregates."""

    def __init__(self, consumer: str, database: Database) -> None:
        self._consumer, self._database = consumer, database

    async def snapshot(self) -> OutboxState:
        held = select(relay_leases.c.holder, func.count().label("shards")).group_by(relay_leases.c.holder)
        # The age of the first position: the minimum over a million events would take seconds.
        oldest = select(event_log.c.at).where(
            event_log.c.event_id == select(outbox.c.event_id).order_by(outbox.c.position).limit(1).scalar_subquery()
        )
        async with self._database.reading() as connection:
            return OutboxState(
                waiting=await count_up_to(MAX_COUNTED_EVENTS, select(outbox.c.position), connection),
                oldest=await connection.scalar(oldest),
                relays={row.holder: row.shards for row in await connection.execute(held)},
                blocked=[
                    BlockedAggregate(row.aggregate_id, row.event_id, row.attempts, row.until, row.reason)
                    for row in await connection.execute(select(blocked_aggregates))
                ],
            )

    async def buried(self) -> int:
        c = dead_letters.c
        waiting = select(c.at).where(c.consumer == self._consumer, c.state == DeadLetterState.BURIED)
        async with self._database.reading() as connection:
            return await count_up_to(MAX_COUNTED_LETTERS, waiting, connection)


async def count_up_to(limit: int, rows: Select[Any], connection: AsyncConnection) -> int:
    """Count rows by the index that selects them, without a temporary table; of more than `limit`, return `limit`."""
    if (await connection.execute(rows.offset(limit - 1).limit(1))).first() is not None:
        return limit
    return await connection.scalar(rows.with_only_columns(func.count(), maintain_column_froms=True)) or 0
