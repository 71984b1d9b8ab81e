"""Change the quantity of a batch."""

from dataclasses import dataclass
from typing import ClassVar

from core.inventory.backorders import allocate_backorders
from core.inventory.errors import BatchAlreadyCreated, UnknownBatch
from core.inventory.events import Deallocated, StockEvent
from core.inventory.names import check_name, check_quantity
from core.inventory.order_line import LineState
from core.inventory.ports import NewInventoryWork, OrderLines
from core.inventory.sku import Sku
from core.inventory.stock_level import StockChange, StockLevel
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock

MAX_LINES_DEALLOCATED_PER_TRANSACTION = 2_000
"""Limits the time for which the transaction locks the sku."""


@requires(Permission.STOCK_WRITE)
@dataclass(frozen=True, slots=True)
class ChangeBatchQuantity:
    """Increase or reduce the quantity of a batch.

    A reduction below the allocated quantity deallocates lines: those of the highest priority number first, the newest
    of them first.  Each is reallocated from other batches, or becomes a backorder with its original place.
    """

    ACTION: ClassVar = "change-batch-quantity"

    new_work: NewInventoryWork
    clock: Clock

    async def __call__(self, reference: str, quantity: int, sku: str | None = None) -> StockChange:
        """Return the change; raise `InvalidQuantity`, `UnknownBatch`, `QuantityBelowShipped` or `TooManyLines`.

        Raises `BatchAlreadyCreated` if `sku` is given and the batch belongs to another one.
        """
        check_quantity(quantity, least=0)
        check_name("reference", reference)
        async with self.new_work() as work:
            if (locked := await work.skus.lock_batch(reference)) is None:
                raise UnknownBatch.named(reference)
            if sku not in (None, locked.name):
                raise BatchAlreadyCreated.named(reference, locked.name)
            before = StockLevel.of(locked, reference)
            events = await self._change(locked, work.order_lines, reference, quantity)
            change = StockChange.of(locked, reference, events)
            work.skus.save(locked)
            work.record(*events)
            work.audit(Deed(action=self.ACTION, target=f"batch/{reference}", before=before, after=change.batch))
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
        events += await allocate_backorders(sku, lines, now)
        deallocated = [sku.lines[event.line.order] for event in events if isinstance(event, Deallocated)]
        if waiting := [line for line in deallocated if line.state is LineState.WAITING]:
            events += sku.begin_shortage(waiting[0].order, waiting[0].quantity, now)
        return events
