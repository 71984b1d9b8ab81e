"""Figures of waiting deliveries in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, literal, select, union_all

from adapters.sql.engine.database import Database
from adapters.sql.notifications.tables import deliveries
from core.notifications.delivery import Channel, DeliveryState
from core.notifications.delivery_figures import (
    MAX_COUNTED_DELIVERIES,
    WAITING_STATES,
    DeliveryFigure,
    DeliveryFigures,
)


class SqlDeliveryFigures(DeliveryFigures):
    """Reads at most `MAX_COUNTED_DELIVERIES` entries of the index by state, channel and due time for each figure."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self) -> Sequence[DeliveryFigure]:
        figures = (figure_of(state, channel) for state in WAITING_STATES for channel in Channel)
        async with self._database.reading() as connection:
            found = await connection.execute(union_all(*figures))
        return [
            DeliveryFigure(state=DeliveryState(state), channel=Channel(channel), count=number, oldest=oldest)
            for state, channel, number, oldest in found
        ]


def figure_of(state: DeliveryState, channel: Channel) -> Select[str, str, int, Any]:
    """Select the count and the earliest time; a pending delivery has no time but its due time, which the index has."""
    c = deliveries.c
    in_doubt = func.coalesce(c.in_doubt_since, c.due_at, type_=c.due_at.type)
    since = c.due_at if state is DeliveryState.PENDING else in_doubt
    counted = (
        select(since.label("since"))
        .where(c.state == state, c.channel == channel)
        .order_by(c.due_at)
        .limit(MAX_COUNTED_DELIVERIES)
        .subquery()
    )
    oldest = func.min(counted.c.since, type_=c.due_at.type).label("oldest")
    named = literal(str(state)).label("state"), literal(str(channel)).label("channel")
    return select(*named, func.count().label("number"), oldest).select_from(counted)
