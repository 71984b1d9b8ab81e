"""When a sku runs out of stock, the inventory staff are notified."""

from core.inventory.events import StockRanOut
from core.messaging.message import Received
from core.notifications.delivery import Notice
from core.notifications.staff import INVENTORY_STAFF
from core.use_cases import UseCases

FACTS = ("sku", "order", "quantity", "available", "waiting")


async def when_out_of_stock(shortage: Received[StockRanOut], use_cases: UseCases) -> None:
    """Notify the staff of one shortage."""
    event = shortage.body
    notice = Notice(
        notice=shortage.message.id,
        about=event.subject,
        recipient=INVENTORY_STAFF,
        template="out_of_stock",
        facts={name: getattr(event, name) for name in FACTS},
    )
    await use_cases.notifications.send_notice(notice)
