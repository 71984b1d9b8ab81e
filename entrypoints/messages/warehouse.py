"""Messages of the warehouse, another organisation's system."""

from core.inventory.events import StockCommandRefused
from core.kernel.authorization import Permission
from core.messaging.message import Message, Received
from core.messaging.routing import Route, RouteKey
from core.policies.when_goods_received import (
    GoodsDispatched,
    GoodsReceived,
    StockCounted,
    when_goods_dispatched,
    when_goods_received,
    when_stock_counted,
)
from core.use_cases import UseCases
from entrypoints.messages.handlers import command, ignore_messages, topic_principal
from entrypoints.strict_decoding import decode


@command(StockCommandRefused)
async def goods_received(message: Message, use_cases: UseCases) -> None:
    """Decode a delivery and apply its policy."""
    await when_goods_received(Received(message, decode(message.body, GoodsReceived)), use_cases)


@command(StockCommandRefused)
async def stock_counted(message: Message, use_cases: UseCases) -> None:
    """Decode a count and apply its policy."""
    await when_stock_counted(Received(message, decode(message.body, StockCounted)), use_cases)


@command(StockCommandRefused)
async def goods_dispatched(message: Message, use_cases: UseCases) -> None:
    """Decode a parcel and apply its policy."""
    await when_goods_dispatched(Received(message, decode(message.body, GoodsDispatched)), use_cases)


ROUTES: dict[RouteKey, Route] = {
    ("warehouse", "GoodsReceived"): goods_received,
    ("warehouse", "StockCounted"): stock_counted,
    ("warehouse", "GoodsDispatched"): goods_dispatched,
    ("warehouse.dead-letters", "MessageBuried"): ignore_messages,
}
PRINCIPALS = {"warehouse": topic_principal("warehouse", Permission.STOCK_WRITE)}
MAX_PER_TRANSACTION: dict[RouteKey, int] = {
    ("warehouse", "StockCounted"): 2,
    ("warehouse", "GoodsReceived"): 2,
    ("warehouse", "GoodsDispatched"): 25,
}
"""These lock skus, for which no other transaction waits longer than two seconds."""
