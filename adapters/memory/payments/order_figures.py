"""Figures of orders in the memory database."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from adapters.memory.engine.database import MemoryDatabase
from core.payments.order import UNDER_WAY, OrderState
from core.payments.order_figures import OrderFigure, OrderFigures
from core.payments.payment import COUNTER


class MemoryOrderFigures(OrderFigures):
    """Counts all orders."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def under_way(self) -> Sequence[OrderFigure]:
        opened = defaultdict[tuple[str, OrderState], list[datetime]](list)
        for account in self._database.fee_accounts.values():
            for order in account.orders:
                if order.state in UNDER_WAY and order.gateway != COUNTER:
                    opened[order.gateway, order.state].append(order.opened_at)
        return [
            OrderFigure(gateway=gateway, state=state, count=len(moments), oldest=min(moments))
            for (gateway, state), moments in sorted(opened.items())
        ]
