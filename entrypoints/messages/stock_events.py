"""Events of the stores, as they travel."""

from collections.abc import Mapping

import msgspec

from core.inventory import events
from core.inventory.events import StockEvent
from core.messaging.message import Message

STOCK_EVENT_TYPES: Mapping[str, type[StockEvent]] = {
    kind.MESSAGE_TYPE: kind
    for kind in (
        events.BatchCreated,
        events.BatchQuantityChanged,
        events.ArrivalChanged,
        events.Allocated,
        events.Queued,
        events.HoldMoved,
        events.Deallocated,
        events.Shipped,
        events.OutOfStock,
    )
}


def decode_stock_event(message: Message) -> StockEvent:
    """Read an event."""
    return msgspec.json.decode(message.body, type=STOCK_EVENT_TYPES[message.type])
