"""Create a batch."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from core.inventory.backorders import serve_backorders
from core.inventory.errors import ArrivalInThePast, BatchAlreadyCreated, ChangedMeanwhile
from core.inventory.names import check_name, check_quantity
from core.inventory.ports import InventoryWork, NewInventoryWork
from core.inventory.sku import Sku, SkuId
from core.inventory.stock_level import StockChange
from core.kernel.clock import Clock
from core.kernel.idempotency import RequestContext
from core.kernel.ids import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """Goods were bought, and are in the warehouse or on their way."""

    reference: str
    sku: str
    quantity: int
    eta: date | None = None

    def __post_init__(self) -> None:
        check_name("reference", self.reference)
        check_name("sku", self.sku)
        check_quantity(self.quantity)


@dataclass(frozen=True, slots=True)
class CreateBatch:
    """Take bought goods into account, and give them to those who wait."""

    new_work: NewInventoryWork
    clock: Clock
    ids: Ids
    zone: str

    async def __call__(self, purchase: Purchase, request: RequestContext) -> StockChange:
        """Return the new batch; raise `ArrivalInThePast` or `BatchAlreadyCreated`."""
        check_arrival(purchase.eta, request.arrived, self.zone)
        try:
            return await self._create(purchase, request)
        except ChangedMeanwhile:  # somebody bought the first of this sku at the same moment: now there is one to hold
            return await self._create(purchase, request)

    async def _create(self, purchase: Purchase, request: RequestContext) -> StockChange:
        now = self.clock.now()
        async with self.new_work() as work:
            if known := await work.skus.lock_batch(purchase.reference):
                raise BatchAlreadyCreated(
                    f"there is a batch {purchase.reference}, of {known.name}", facts={"sku": known.name}
                )
            sku = await self._lock_or_create(work, purchase.sku)
            events = [sku.create_batch(purchase.reference, purchase.quantity, purchase.eta, now)]
            served = await serve_backorders(sku, work.order_lines, now)
            change = StockChange.of(sku, purchase.reference, served)
            work.skus.save(sku)
            work.record(*events, *served)
            work.answer(request, change)
            await work.commit()
        return change

    async def _lock_or_create(self, work: InventoryWork, name: str) -> Sku:
        if (sku := (await work.skus.hold([name])).get(name)) is None:
            work.skus.add(sku := Sku(id=SkuId(self.ids.new()), name=name))
        return sku


def check_arrival(eta: date | None, arrived: datetime, zone: str) -> None:
    """Raise `ArrivalInThePast` for a day that was over, in the time zone of the stores, when we were told of it."""
    if eta is not None and eta < arrived.astimezone(ZoneInfo(zone)).date():
        raise ArrivalInThePast(f"{eta} is over: leave `eta` out for goods that are in the warehouse", at="$.eta")
