"""Change the quantity of a batch."""

from dataclasses import dataclass

from core.inventory.backorders import serve_backorders
from core.inventory.errors import BatchAlreadyCreated, UnknownBatch
from core.inventory.events import Deallocated, StockEvent
from core.inventory.names import check_name, check_quantity
from core.inventory.order_line import LineState
from core.inventory.ports import NewInventoryWork, OrderLines
from core.inventory.sku import Sku
from core.inventory.stock_level import StockChange
from core.kernel.clock import Clock

MAX_LINES_DEALLOCATED_PER_TRANSACTION = 2_000
"""Lines that lose their pieces in one transaction, which keeps everybody else from the sku for so long."""


@dataclass(frozen=True, slots=True)
class ChangeBatchQuantity:
    """Make a batch larger or smaller.

    When it becomes too small for what is allocated, lines give their pieces up: those of the highest priority number
    first, the youngest of them first.  Each of them gets others, or waits at its old place in the queue.
    """

    new_work: NewInventoryWork
    clock: Clock

    async def __call__(self, reference: str, quantity: int, sku: str | None = None) -> StockChange:
        """Return what came of it; raise `InvalidQuantity`, `UnknownBatch`, `QuantityBelowShipped` or `TooManyLines`.

        Whoever says of which `sku` it is and is wrong meets `BatchAlreadyCreated`.
        """
        check_quantity(quantity, least=0)
        check_name("reference", reference)
        async with self.new_work() as work:
            if (held := await work.skus.lock_batch(reference)) is None:
                raise UnknownBatch(f"there is no batch {reference}")
            if sku not in (None, held.name):
                raise BatchAlreadyCreated(f"batch {reference} is of {held.name}", facts={"sku": held.name})
            events = await self._change(held, work.order_lines, reference, quantity)
            change = StockChange.of(held, reference, events)
            work.skus.save(held)
            work.record(*events)
            await work.commit()
        return change

    async def _change(self, sku: Sku, lines: OrderLines, reference: str, quantity: int) -> list[StockEvent]:
        now, before = self.clock.now(), sku.stock.batches[reference]
        events = list[StockEvent]()
        if before.overallocated_by(quantity):
            events += sku.deallocate_for_reduction(
                reference,
                quantity,
                await lines.latest_allocated_from(reference, MAX_LINES_DEALLOCATED_PER_TRANSACTION),
                now,
            )
        if before.purchased != quantity:
            events.append(sku.resize(reference, quantity, now))
        events += await serve_backorders(sku, lines, now)
        losers = [sku.lines[event.line.order] for event in events if isinstance(event, Deallocated)]
        if left := [line for line in losers if line.state is LineState.WAITING]:
            events += sku.begin_shortage(left[0].order, left[0].quantity, now)
        return events
