"""The outbox in SQL, as people look at it."""

from sqlalchemy import func, select

from adapters.sql.database import Database
from adapters.sql.tables import blocked_aggregates, event_log, outbox, relay_leases
from core.messaging.outbox import Backlog, BlockedAggregate, OutboxState


class SqlBacklog(Backlog):
    """How the outbox stands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self) -> OutboxState:
        held = select(relay_leases.c.holder, func.count().label("shards")).group_by(relay_leases.c.holder)
        # of the first in the queue: to ask all of a million for the earliest would take seconds
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
