"""List deliveries."""

from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.notifications.delivery_list import DeliveryCursor, DeliveryFilter, DeliveryPage
from core.notifications.ports import DeliveryList


@requires(Permission.DELIVERIES_READ)
@dataclass(frozen=True, slots=True)
class ListDeliveries:
    """List the deliveries that match a filter, page by page."""

    deliveries: DeliveryList

    async def __call__(self, search: DeliveryFilter, after: str | None, limit: int) -> DeliveryPage:
        """Return up to `limit` deliveries behind the cursor `after`."""
        cursor = DeliveryCursor.read(after) if after is not None else None
        found = await self.deliveries.find(search, cursor, limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        return DeliveryPage(tuple(found[:limit]), str(DeliveryCursor(last.due_at, last.id)) if last else None)
