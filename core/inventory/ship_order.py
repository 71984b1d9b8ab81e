"""Ship an order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from core.inventory.errors import UnknownOrderLine
from core.inventory.names import Name, check_name
from core.inventory.order_line import LineState, OrderLine
from core.inventory.ports import LineKey, NewInventoryWork
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.errors import Unprocessable
from core.kernel.idempotency import RequestContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """The input of `ShipOrder`: one line of an order, or all of them."""

    order: Name
    sku: Name | None = None
    everything: bool = False
    """Whether all lines are shipped; a missing `sku` alone does not say so."""

    def __post_init__(self) -> None:
        check_name("order", self.order)
        if self.sku is not None:
            check_name("sku", self.sku)
        check_extent("sku", self.sku, everything=self.everything)


def check_extent(name: str, value: str | None, *, everything: bool) -> None:
    """Raise `Unprocessable` unless either one thing is named, or everything is demanded in so many words."""
    if value is None and not everything:
        raise Unprocessable(f"name one `{name}`, or demand the whole order: `everything` is true", at=f"$.{name}")
    if value is not None and everything:
        raise Unprocessable(f"give either `{name}` or `everything`, not both", at="$.everything")


@requires(Permission.STOCK_WRITE)
@dataclass(frozen=True, slots=True)
class ShipOrder:
    """Record that the allocated lines of an order were shipped; a shipped line cannot be deallocated."""

    ACTION: ClassVar = "ship-order"

    new_work: NewInventoryWork
    clock: Clock

    async def __call__(
        self, order: str, sku: str | None = None, request: RequestContext | None = None
    ) -> Sequence[OrderLine]:
        """Return the shipped lines: all of the order, or the one of `sku`.

        Raises `UnknownOrderLine`, `LineWaits`, `AlreadyShipped` or `RequestRepeated`.
        """
        check_name("order", order)
        now = self.clock.now()
        async with self.new_work() as work:
            lines = [line for line in await work.order_lines.of_order(order) if sku in (None, line.sku)]
            skus = await work.skus.lock([line.sku for line in lines], include_depleted=True)
            await work.order_lines.load(skus.values(), [LineKey(line.sku, order) for line in lines])
            concerned = [skus[name] for name in sorted(skus) if skus[name].lines[order].is_active]
            if sku is None:  # lines of an earlier partial shipment are not shipped again
                concerned = [each for each in concerned if each.lines[order].state is not LineState.SHIPPED]
            if not concerned:
                raise UnknownOrderLine(f"order {order} has nothing to ship")
            for each in concerned:
                work.record(each.ship(order, now))
                work.skus.save(each)
            shipped = [each.lines[order] for each in concerned]
            work.audit(
                Deed(action=self.ACTION, target=f"order/{order}", after={"skus": [line.sku for line in shipped]})
            )
            if request:
                work.record_answer(request, shipped)
            await work.commit()
        return shipped
