"""Change the arrival of a batch."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from core.inventory.create_batch import check_arrival
from core.inventory.errors import UnknownBatch
from core.inventory.names import check_name
from core.inventory.ports import NewInventoryWork
from core.inventory.stock_level import StockChange
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.idempotency import RequestContext


@requires(Permission.STOCK_WRITE)
@dataclass(frozen=True, slots=True)
class ChangeArrival:
    """Change the arrival day of a batch; no day means that it is in the warehouse."""

    ACTION: ClassVar = "change-arrival"

    new_work: NewInventoryWork
    clock: Clock
    zone: str

    async def __call__(self, reference: str, eta: date | None, request: RequestContext) -> StockChange:
        """Return the changed batch; raise `ArrivalInThePast` or `UnknownBatch`."""
        check_arrival(eta, request.arrived, self.zone)
        check_name("reference", reference)
        async with self.new_work() as work:
            if (sku := await work.skus.lock_batch(reference)) is None:
                raise UnknownBatch.named(reference)
            if (before := sku.stock.batches[reference].eta) != eta:
                work.record(sku.change_arrival(reference, eta, self.clock.now()))
                target, dates = f"batch/{reference}", ({"eta": before}, {"eta": eta})
                work.audit(Deed(action=self.ACTION, target=target, before=dates[0], after=dates[1]))
            work.skus.save(sku)
            await work.commit()
        return StockChange.of(sku, reference, [])
