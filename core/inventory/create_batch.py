"""Create a batch."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from core.inventory.backorders import allocate_backorders
from core.inventory.errors import ArrivalInThePast, BatchAlreadyCreated, ChangedMeanwhile
from core.inventory.names import Name, Quantity, check_name, check_quantity
from core.inventory.ports import InventoryWork, NewInventoryWork
from core.inventory.sku import Sku, SkuId
from core.inventory.stock_level import StockChange
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.idempotency import RequestContext
from core.kernel.ids import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """The input of `CreateBatch`: pieces of one sku in the warehouse, or in transit if `eta` is given."""

    reference: Name
    sku: Name
    quantity: Quantity
    eta: date | None = None

    def __post_init__(self) -> None:
        check_name("reference", self.reference)
        check_name("sku", self.sku)
        check_quantity(self.quantity)


@requires(Permission.STOCK_WRITE)
@dataclass(frozen=True, slots=True)
class CreateBatch:
    """Create a batch, and allocate its pieces to backorders in the same transaction."""

    ACTION: ClassVar = "create-batch"

    new_work: NewInventoryWork
    clock: Clock
    ids: Ids
    zone: str

    async def __call__(self, purchase: Purchase, request: RequestContext) -> StockChange:
        """Return the new batch; raise `ArrivalInThePast` or `BatchAlreadyCreated`."""
        check_arrival(purchase.eta, request.arrived, self.zone)
        try:
            return await self._create(purchase, request)
        except ChangedMeanwhile:  # a concurrent request created the same sku: now its row can be locked
            return await self._create(purchase, request)

    async def _create(self, purchase: Purchase, request: RequestContext) -> StockChange:
        now = self.clock.now()
        async with self.new_work() as work:
            if known := await work.skus.lock_batch(purchase.reference):
                raise BatchAlreadyCreated.named(purchase.reference, known.name)
            sku = await self._lock_or_create(work, purchase.sku)
            events = [sku.create_batch(purchase.reference, purchase.quantity, purchase.eta, now)]
            served = await allocate_backorders(sku, work.order_lines, now)
            change = StockChange.of(sku, purchase.reference, served)
            work.skus.save(sku)
            work.record(*events, *served)
            work.record_answer(request, change)
            work.audit(Deed(action=self.ACTION, target=f"batch/{purchase.reference}", after=change.batch))
            await work.commit()
        return change

    async def _lock_or_create(self, work: InventoryWork, name: str) -> Sku:
        if (sku := (await work.skus.lock([name])).get(name)) is None:
            work.skus.add(sku := Sku(id=SkuId(self.ids.new()), name=name))
        return sku


def check_arrival(eta: date | None, arrived: datetime, zone: str) -> None:
    """Raise `ArrivalInThePast` for a day that had ended in the inventory's time zone when the request arrived."""
    if eta is not None and eta < arrived.astimezone(ZoneInfo(zone)).date():
        raise ArrivalInThePast(f"{eta} is in the past: omit `eta` for a batch that is in the warehouse", at="$.eta")
