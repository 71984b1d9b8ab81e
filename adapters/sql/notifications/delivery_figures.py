"""Figures of waiting deliveries in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select

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
        figures: list[DeliveryFigure] = []
        async with self._database.reading() as connection:
            for state in WAITING_STATES:
                for channel in Channel:
                    found = (await connection.execute(figure_of(state, channel))).one()
                    figures.append(
                        DeliveryFigure(state=state, channel=channel, count=found.number, oldest=found.oldest)
                    )
        return figures


def figure_of(state: DeliveryState, channel: Channel) -> Select[int, Any]:
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
    return select(func.count().label("number"), oldest).select_from(counted)
