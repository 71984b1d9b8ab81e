"""Cancel an order."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.inventory.backorders import serve_backorders
from core.inventory.errors import AlreadyShipped, UnknownOrderLine
from core.inventory.events import DeallocationReason
from core.inventory.names import check_name
from core.inventory.order_line import LineState, OrderLine
from core.inventory.ports import LineKey, NewInventoryWork
from core.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Return everything an order has to stock, all of it or nothing."""

    new_work: NewInventoryWork
    clock: Clock

    async def __call__(self, order: str) -> Sequence[OrderLine]:
        """Return the lines as they are now; raise `UnknownOrderLine` where none is left, or `AlreadyShipped`."""
        check_name("order", order)
        now = self.clock.now()
        async with self.new_work() as work:
            wanted = [LineKey(line.sku, order) for line in await work.order_lines.of_order(order)]
            skus = await work.skus.hold([key.sku for key in wanted], whole=True)
            await work.order_lines.fetch(skus.values(), wanted)
            concerned = {name: sku for name, sku in skus.items() if sku.lines[order].lives}
            check_cancellable(order, [sku.lines[order] for sku in concerned.values()])
            for sku in concerned.values():
                work.record(sku.deallocate(order, DeallocationReason.CANCELLED, now))
                work.record(*await serve_backorders(sku, work.order_lines, now))
                work.skus.save(sku)
            await work.commit()
        return [concerned[name].lines[order] for name in sorted(concerned)]


def check_cancellable(order: str, lines: Sequence[OrderLine]) -> None:
    """Raise unless there is something to cancel, and all of it can be."""
    if not lines:
        raise UnknownOrderLine(f"order {order} has no lines, or has them no longer")
    if gone := [line.sku for line in lines if line.state is LineState.SHIPPED]:
        raise AlreadyShipped(f"of order {order} {', '.join(gone)} left the stores: deallocate the others one by one")
