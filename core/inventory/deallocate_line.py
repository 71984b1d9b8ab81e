"""Deallocate an order line."""

from dataclasses import dataclass
from typing import ClassVar

from core.inventory.backorders import allocate_backorders
from core.inventory.errors import UnknownSku
from core.inventory.events import DeallocationReason
from core.inventory.names import check_name
from core.inventory.order_line import OrderLine
from core.inventory.ports import LineKey, NewInventoryWork
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock


@requires(Permission.STOCK_WRITE)
@dataclass(frozen=True, slots=True)
class DeallocateLine:
    """Deallocate an allocated line, or end a backorder, and allocate the returned pieces to backorders."""

    ACTION: ClassVar = "deallocate-line"

    new_work: NewInventoryWork
    clock: Clock

    async def __call__(self, key: LineKey) -> OrderLine:
        """Return the changed line; raise `UnknownSku`, `UnknownOrderLine` or `AlreadyShipped`."""
        check_name("order", key.order)
        check_name("sku", key.sku)
        now = self.clock.now()
        async with self.new_work() as work:
            if (sku := (await work.skus.lock([key.sku], include_depleted=True)).get(key.sku)) is None:
                raise UnknownSku.named(key.sku)
            await work.order_lines.load([sku], [key])
            work.record(sku.deallocate(key.order, DeallocationReason.DEALLOCATED, now))
            line = sku.lines[key.order]
            work.record(*await allocate_backorders(sku, work.order_lines, now))
            work.skus.save(sku)
            work.audit(Deed(action=self.ACTION, target=f"order/{key.order}", after={"skus": [key.sku]}))
            await work.commit()
        return line
