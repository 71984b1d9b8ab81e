"""Deliveries in SQL."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Dialect, Insert, Row, Table, select, update
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.tables import deliveries, delivery_attempts
from core.notifications.delivery import ENDED, Channel, Delivery, DeliveryState, StudentId
from core.notifications.messages import DeliveryId
from core.notifications.ports import Deliveries
from core.shared.trace import Trace

LONGEST_TEXT = 500
SAVED = ("state", "attempts", "due_at", "reason")


class SqlDeliveries(Deliveries):
    """Deliveries as rows, which dispatchers take without waiting for each other."""

    def __init__(self, insert: Callable[[Table, dict[str, Any]], None], connection: AsyncConnection) -> None:
        self._insert, self._connection = insert, connection

    def add(self, delivery: Delivery) -> None:
        row = {
            "id": delivery.id,
            "notice_id": delivery.notice,
            "about_id": delivery.about,
            "student_id": delivery.student,
            "channel": delivery.channel,
            "template": delivery.template,
            "facts": msgspec.json.encode(delivery.facts).decode(),
            "request_id": delivery.trace.request_id,
            "traceparent": delivery.trace.traceparent,
        }
        self._insert(deliveries, row | changing(delivery))

    async def claim(self, channel: Channel, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        claimed = await self._due(limit, state=DeliveryState.PENDING, channel=channel, now=now)
        for delivery in claimed:
            delivery.claim(until)
        await self.save(claimed)
        return claimed

    async def save(self, changed: Sequence[Delivery]) -> None:
        alike = defaultdict[tuple[Any, ...], list[DeliveryId]](list)
        for delivery in changed:
            alike[tuple(changing(delivery).values())].append(delivery.id)
            self._note(delivery)
        for values, ids in alike.items():
            change = update(deliveries).where(deliveries.c.id.in_(ids) & deliveries.c.state.not_in(ENDED))
            await self._connection.execute(change.values(dict(zip(SAVED, values, strict=True))))

    async def abandoned(self, now: datetime, limit: int) -> Sequence[Delivery]:
        return [
            delivery
            for channel in Channel
            for delivery in await self._due(limit, state=DeliveryState.SENDING, channel=channel, now=now)
        ]

    async def _due(self, limit: int, *, state: DeliveryState, channel: Channel, now: datetime) -> list[Delivery]:
        return await due(self._connection, limit, state=state, channel=channel, now=now)

    def _note(self, delivery: Delivery) -> None:
        before = delivery.attempts - len(delivery.made)
        for number, attempt in enumerate(delivery.made, before + 1):
            row = asdict(attempt) | {"delivery_id": delivery.id, "number": number}
            self._insert(delivery_attempts, row | {"detail": attempt.detail[:LONGEST_TEXT]})
        delivery.made.clear()


def add_missing(dialect: Dialect) -> Insert:
    """Return an insert that leaves what a notice has on a channel as it is; not `IGNORE`, which hides other faults."""
    if dialect.name == "mysql":
        return mysql.insert(deliveries).on_duplicate_key_update({"id": deliveries.c.id})
    return sqlite.insert(deliveries).on_conflict_do_nothing(index_elements=["notice_id", "channel"])


async def due(
    connection: AsyncConnection, limit: int, *, state: DeliveryState, channel: Channel, now: datetime
) -> list[Delivery]:
    """Return deliveries that are due and nobody else has locked, the longest due first."""
    which: ColumnElement[bool] = (deliveries.c.state == state) & (deliveries.c.channel == channel)
    query = select(deliveries).where(which & (deliveries.c.due_at <= now)).order_by(deliveries.c.due_at)
    rows = await connection.execute(query.limit(limit).with_for_update(skip_locked=True))
    return [from_row(row) for row in rows]


def changing(delivery: Delivery) -> dict[str, Any]:
    """Return the columns that change over the life of a delivery."""
    values = (delivery.state, delivery.attempts, delivery.due_at, delivery.reason[:LONGEST_TEXT])
    return dict(zip(SAVED, values, strict=True))


def from_row(row: Row[Any]) -> Delivery:
    """Rebuild a delivery from columns."""
    return Delivery(
        id=DeliveryId(row.id),
        notice=row.notice_id,
        about=row.about_id,
        student=StudentId(row.student_id),
        channel=Channel(row.channel),
        template=row.template,
        facts=msgspec.json.decode(row.facts),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        reason=row.reason,
        trace=Trace(row.request_id, row.traceparent),
        in_doubt_since=row.in_doubt_since,
    )
