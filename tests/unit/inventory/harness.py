"""The stores, over dictionaries or whatever else keeps them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

import msgspec

from adapters.memory.database import Store
from adapters.memory.inventory import MemoryChores
from adapters.memory.messages import MemoryOutbox
from adapters.memory.unit_of_work import MemoryUnitOfWork
from core.inventory.allocate_lines import AllocateLines, Allocation
from core.inventory.cancel_order import CancelOrder
from core.inventory.change_arrival import ChangeArrival
from core.inventory.change_batch_quantity import ChangeBatchQuantity
from core.inventory.create_batch import CreateBatch, Purchase
from core.inventory.deallocate_line import DeallocateLine
from core.inventory.order_line import AllocationDemand, AllocationRequest, OrderLine
from core.inventory.ports import Chores, InventoryWork, LineKey
from core.inventory.ship_order import ShipOrder
from core.inventory.sku import Sku
from core.inventory.stock_level import StockChange
from core.inventory.tend_stores import TendStores
from core.kernel.errors import CoreError
from core.kernel.idempotency import RequestContext
from core.messaging.outbox import Outbox
from tests.examples import NOON, StoppedClock, ids

ZONE = "Asia/Kolkata"
TODAY = date(2026, 11, 20)
"""In the stores as well as in Greenwich, by the clock that tests begin with."""
KIT = "KIT-XII"


@dataclass(frozen=True)
class Announcement:
    """An event, as whoever listens gets it."""

    type: str
    sku: Any
    version: int
    body: dict[str, Any]


class Stores:
    """Every use case of the stores, and what an outsider can see of their effects."""

    def __init__(self, new_work: Callable[[], InventoryWork], chores: Chores, outbox: Outbox) -> None:
        self.clock, self.new_work, self.chores = StoppedClock(), new_work, chores
        self._outbox, self._shards = outbox, 0
        self.create_batch = CreateBatch(new_work, self.clock, ids, ZONE)
        self.change_quantity = ChangeBatchQuantity(new_work, self.clock)
        self.change_arrival = ChangeArrival(new_work, self.clock, ZONE)
        self.allocate = AllocateLines(new_work, self.clock, ids)
        self.deallocate = DeallocateLine(new_work, self.clock)
        self.cancel = CancelOrder(new_work, self.clock)
        self.ship = ShipOrder(new_work, self.clock)
        self.tend = TendStores(new_work, chores, self.clock)

    @classmethod
    def in_memory(cls) -> Self:
        store, clock = Store(), StoppedClock()
        new_work = lambda: MemoryUnitOfWork(store, lambda _: None, clock, ids)  # noqa: E731
        return cls(new_work, MemoryChores(store), MemoryOutbox(store, clock))

    async def buy(self, reference: str, quantity: int = 10, eta: date | None = None, sku: str = KIT) -> StockChange:
        return await self.create_batch(Purchase(reference=reference, sku=sku, quantity=quantity, eta=eta), a_request())

    async def ask(self, *wishes: AllocationDemand) -> list[Allocation | CoreError]:
        """Ask for several lines at the same moment."""
        return list(await self.allocate([AllocationRequest(demand, a_request(self.clock.now())) for demand in wishes]))

    async def order(self, order: str, quantity: int = 1, sku: str = KIT, **more: Any) -> OrderLine:
        """Ask for one line; raise why there is none."""
        [outcome] = await self.ask(AllocationDemand(order=order, sku=sku, quantity=quantity, **more))
        if isinstance(outcome, CoreError):
            raise outcome
        return outcome.line

    async def look(self, skus: Collection[str], orders: Collection[str]) -> tuple[Mapping[str, Sku], list[OrderLine]]:
        """Return these skus and the lines of these orders, as they are stored."""
        async with self.new_work() as work:
            lines = [line for order in sorted(orders) for line in await work.order_lines.of_order(order)]
            return await work.skus.hold(skus, whole=True), lines

    async def sku(self, name: str = KIT) -> Sku:
        return (await self.look([name], []))[0][name]

    async def lines(self, order: str) -> dict[str, OrderLine]:
        return {line.sku: line for line in (await self.look([], [order]))[1]}

    async def line(self, order: str, sku: str = KIT) -> OrderLine:
        return (await self.lines(order))[sku]

    async def left(self, reference: str, sku: str = KIT) -> int:
        return (await self.sku(sku)).stock.batches[reference].available

    async def undo(self, order: str, sku: str = KIT) -> OrderLine:
        return await self.deallocate(LineKey(sku, order))

    async def announced_since(self) -> list[Announcement]:
        """Return what was announced since this was last asked."""
        self._shards = self._shards or await self._outbox.hold(3_600)
        new = await self._outbox.unpublished(10_000)
        await self._outbox.published(new, NOON)
        bodies = [(each.message, msgspec.json.decode(each.message.body)) for each in new]
        return [Announcement(message.type, body.get("sku"), message.version, body) for message, body in bodies]

    async def kinds(self) -> list[str]:
        """Return the types of what was announced since this was last asked."""
        return [each.type for each in await self.announced_since()]


def a_request(arrived: datetime = NOON) -> RequestContext:
    """Return a wish of somebody who does not repeat himself."""
    return RequestContext(arrived=arrived)


def taken(line: OrderLine) -> dict[str, int]:
    """Return how many pieces a line has of which batch."""
    return {part.batch: part.quantity for part in line.parts}
