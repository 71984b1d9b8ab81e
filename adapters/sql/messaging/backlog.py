"""Reads the state of the outbox in SQL, for people and metrics."""

from sqlalchemy import func, select

from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import event_log, outbox
from adapters.sql.messaging.tables import blocked_aggregates, relay_leases
from core.messaging.outbox import Backlog, BlockedAggregate, OutboxState


class SqlBacklog(Backlog):
    """Counts waiting events, held shards and blocked aggregates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def snapshot(self) -> OutboxState:
        held = select(relay_leases.c.holder, func.count().label("shards")).group_by(relay_leases.c.holder)
        # The age of the first position: the minimum over a million events would take seconds.
        oldest = select(event_log.c.at).where(
            event_log.c.event_id == select(outbox.c.event_id).order_by(outbox.c.position).limit(1).scalar_subquery()
        )
        async with self._database.reading() as connection:
            return OutboxState(
                waiting=await connection.scalar(select(func.count()).select_from(outbox)) or 0,
                oldest=await connection.scalar(oldest),
                relays={row.holder: row.shards for row in await connection.execute(held)},
                blocked=[
                    BlockedAggregate(row.aggregate_id, row.event_id, row.attempts, row.until, row.reason)
                    for row in await connection.execute(select(blocked_aggregates))
                ],
            )
