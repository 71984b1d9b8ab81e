"""Figures of orders in SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, select

from adapters.sql.engine.database import Database
from adapters.sql.payments.tables import payment_orders
from core.payments.order import UNDER_WAY, OrderState
from core.payments.order_figures import MAX_COUNTED_ORDERS, OrderFigure, OrderFigures
from core.payments.payment import COUNTER


class SqlOrderFigures(OrderFigures):
    """Reads at most `MAX_COUNTED_ORDERS` entries of the index by state for each state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def under_way(self) -> Sequence[OrderFigure]:
        async with self._database.reading() as connection:
            return [
                OrderFigure(gateway=row.gateway, state=state, count=row.number, oldest=row.oldest)
                for state in sorted(UNDER_WAY)
                for row in await connection.execute(figures_of(state))
            ]


def figures_of(state: OrderState) -> Select[str, int, datetime]:
    """Select the count and the earliest opening of the orders of a state, by gateway."""
    orders = payment_orders.c
    counted = (
        select(orders.gateway, orders.opened_at)
        .where(orders.state == state, orders.gateway != COUNTER)
        .order_by(orders.opened_at)
        .limit(MAX_COUNTED_ORDERS)
        .subquery()
    )
    oldest = func.min(counted.c.opened_at, type_=orders.opened_at.type).label("oldest")
    query = select(counted.c.gateway, func.count().label("number"), oldest)
    return query.group_by(counted.c.gateway).order_by(counted.c.gateway)
