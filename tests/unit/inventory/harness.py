"""The use cases of the inventory context over any adapter."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Self

import msgspec

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.inventory.skus import MemoryInventoryBacklog
from adapters.memory.messaging.outbox import MemoryOutbox
from core.inventory.allocate_lines import AllocateLines, Allocation
from core.inventory.cancel_order import CancelOrder
from core.inventory.change_arrival import ChangeArrival
from core.inventory.change_batch_quantity import ChangeBatchQuantity
from core.inventory.create_batch import CreateBatch, Purchase
from core.inventory.deallocate_line import DeallocateLine
from core.inventory.expire_holds import ExpireHolds
from core.inventory.order_line import AllocationDemand, AllocationRequest, OrderLine
from core.inventory.ports import InventoryBacklog, LineKey, NewInventoryWork
from core.inventory.serve_backorders import ServeBackorders
from core.inventory.ship_order import ShipOrder
from core.inventory.sku import Sku
from core.inventory.stock_level import StockChange
from core.kernel.errors import CoreError
from core.kernel.idempotency import RequestContext
from core.messaging.outbox import Outbox
from tests.examples import NOON, StoppedClock, ids
from tests.units_of_work import memory_work

ZONE = "Asia/Kolkata"
TODAY = date(2026, 11, 20)
"""The initial day of the test clock, in the inventory's time zone and in UTC."""
KIT = "KIT-XII"


@dataclass(frozen=True)
class Announcement:
    """A published event as a consumer receives it."""

    type: str
    sku: Any
    version: int
    body: dict[str, Any]


class InventoryHarness:
    """Each use case of the inventory context, and queries of its effects."""

    def __init__(self, new_work: NewInventoryWork, inventory_backlog: InventoryBacklog, outbox: Outbox) -> None:
        self.clock, self.new_work, self.inventory_backlog = StoppedClock(), new_work, inventory_backlog
        self._outbox, self._shards = outbox, 0
        self.create_batch = CreateBatch(new_work, self.clock, ids, ZONE)
        self.change_quantity = ChangeBatchQuantity(new_work, self.clock)
        self.change_arrival = ChangeArrival(new_work, self.clock, ZONE)
        self.allocate = AllocateLines(new_work, self.clock, ids)
        self.deallocate = DeallocateLine(new_work, self.clock)
        self.cancel = CancelOrder(new_work, self.clock)
        self.ship = ShipOrder(new_work, self.clock)
        self.expire_holds = ExpireHolds(new_work, inventory_backlog, self.clock)
        self.serve_backorders = ServeBackorders(new_work, inventory_backlog, self.clock)

    @classmethod
    def in_memory(cls) -> Self:
        store, clock = MemoryDatabase(), StoppedClock()
        new_work = partial(memory_work, store, clock, ids)
        return cls(new_work, MemoryInventoryBacklog(store), MemoryOutbox(store, clock))

    async def buy(self, reference: str, quantity: int = 10, eta: date | None = None, sku: str = KIT) -> StockChange:
        return await self.create_batch(Purchase(reference=reference, sku=sku, quantity=quantity, eta=eta), a_request())

    async def ask(self, *demands: AllocationDemand) -> list[Allocation | CoreError]:
        """Allocate several lines in one transaction."""
        return list(await self.allocate([AllocationRequest(demand, a_request(self.clock.now())) for demand in demands]))

    async def order(
        self, order: str, quantity: int = 1, sku: str = KIT, *, once: bool = False, **more: Any
    ) -> OrderLine:
        """Allocate one line; raise its refusal."""
        demand = AllocationDemand(order=order, sku=sku, quantity=quantity, **more)
        [outcome] = await self.allocate([AllocationRequest(demand, a_request(self.clock.now()), once=once)])
        if isinstance(outcome, CoreError):
            raise outcome
        return outcome.line

    async def stored(self, skus: Collection[str], orders: Collection[str]) -> tuple[Mapping[str, Sku], list[OrderLine]]:
        """Return the stored skus and the stored lines of the orders."""
        async with self.new_work() as work:
            lines = [line for order in sorted(orders) for line in await work.order_lines.of_order(order)]
            return await work.skus.lock(skus, include_depleted=True), lines

    async def sku(self, name: str = KIT) -> Sku:
        return (await self.stored([name], []))[0][name]

    async def lines(self, order: str) -> dict[str, OrderLine]:
        return {line.sku: line for line in (await self.stored([], [order]))[1]}

    async def line(self, order: str, sku: str = KIT) -> OrderLine:
        return (await self.lines(order))[sku]

    async def left(self, reference: str, sku: str = KIT) -> int:
        return (await self.sku(sku)).stock.batches[reference].available

    async def deallocate_line(self, order: str, sku: str = KIT) -> OrderLine:
        return await self.deallocate(LineKey(sku, order))

    async def announced_since(self) -> list[Announcement]:
        """Return the events that were published since the last call."""
        self._shards = self._shards or await self._outbox.renew(3_600)
        new = await self._outbox.unpublished(10_000)
        await self._outbox.mark_published(new, NOON)
        bodies = [(each.message, msgspec.json.decode(each.message.body)) for each in new]
        return [Announcement(message.type, body.get("sku"), message.version, body) for message, body in bodies]

    async def kinds(self) -> list[str]:
        """Return the types of the events that were published since the last call."""
        return [each.type for each in await self.announced_since()]


def a_request(arrived: datetime = NOON) -> RequestContext:
    """Return a request without an idempotency key."""
    return RequestContext(arrived=arrived)


def taken(line: OrderLine) -> dict[str, int]:
    """Return the quantity of a line by batch."""
    return {part.batch: part.quantity for part in line.parts}
