"""The outbox in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select

from adapters.sql.database import Database
from adapters.sql.tables import event_log, insert_ignore, outbox, publications
from core.shared.messages import Message
from core.shared.outbox import Outbox, Outgoing
from core.shared.trace import Trace


class SqlOutbox(Outbox):
    """Unpublished events: rows that are gone once the broker has them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unpublished(self, limit: int) -> Sequence[Outgoing]:
        joined = outbox.join(event_log, event_log.c.event_id == outbox.c.event_id)
        query = select(outbox.c.position, event_log).select_from(joined).order_by(outbox.c.position).limit(limit)
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
        return [Outgoing(row.position, from_row(row)) for row in rows]

    async def published(self, events: Sequence[Outgoing], at: datetime) -> None:
        positions = [event.position for event in events]
        rows = [{"event_id": event.message.id, "at": at} for event in events]
        async with self._database.writing() as connection:
            await connection.execute(insert_ignore(publications), rows)
            await connection.execute(delete(outbox).where(outbox.c.position.in_(positions)))
            await connection.commit()


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
