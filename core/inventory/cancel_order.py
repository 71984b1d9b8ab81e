"""Cancel an order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from core.inventory.backorders import allocate_backorders
from core.inventory.errors import AlreadyShipped, UnknownOrderLine
from core.inventory.events import DeallocationReason
from core.inventory.names import check_name
from core.inventory.order_line import LineState, OrderLine
from core.inventory.ports import LineKey, NewInventoryWork
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock


@requires(Permission.STOCK_WRITE)
@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Deallocate all active lines of an order in one transaction."""

    ACTION: ClassVar = "cancel-order"

    new_work: NewInventoryWork
    clock: Clock

    async def __call__(self, order: str) -> Sequence[OrderLine]:
        """Return the cancelled lines; raise `UnknownOrderLine` if none is active, or `AlreadyShipped` if any was."""
        check_name("order", order)
        now = self.clock.now()
        async with self.new_work() as work:
            wanted = [LineKey(line.sku, order) for line in await work.order_lines.of_order(order)]
            skus = await work.skus.lock([key.sku for key in wanted], include_depleted=True)
            await work.order_lines.load(skus.values(), wanted)
            active = {name: sku for name, sku in skus.items() if sku.lines[order].is_active}
            check_cancellable(order, [sku.lines[order] for sku in active.values()])
            for sku in active.values():
                work.record(sku.deallocate(order, DeallocationReason.CANCELLED, now))
                work.record(*await allocate_backorders(sku, work.order_lines, now))
                work.skus.save(sku)
            work.audit(Deed(action=self.ACTION, target=f"order/{order}", after={"skus": sorted(active)}))
            await work.commit()
        return [active[name].lines[order] for name in sorted(active)]


def check_cancellable(order: str, lines: Sequence[OrderLine]) -> None:
    """Raise unless there are active lines and none of them was shipped."""
    if not lines:
        raise UnknownOrderLine(f"order {order} has no active lines")
    if shipped := [line.sku for line in lines if line.state is LineState.SHIPPED]:
        raise AlreadyShipped(
            f"order {order} was shipped in part ({', '.join(shipped)}): deallocate the other lines one by one"
        )
