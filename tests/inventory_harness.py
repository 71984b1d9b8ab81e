"""The inventory of an application, for tests that change stock and read its views."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from config.container import Application
from core.inventory.allocate_lines import Allocation
from core.inventory.create_batch import Purchase
from core.inventory.freshness import Freshness
from core.inventory.order_line import AllocationDemand, AllocationRequest, OrderLine
from core.inventory.ports import LineKey
from core.inventory.stock_level import StockLevel
from core.kernel.idempotency import RequestContext
from core.messaging.message import Message
from entrypoints.messages.consumer import Consumer
from entrypoints.routes import ROUTES

KIT = "SU-EXAM-KIT"
ANY_FRESHNESS = Freshness()
NO_LIMIT = 1_000_000


class InventoryHarness:
    """Use cases of inventory; `project` applies the events to the views."""

    def __init__(self, application: Application) -> None:
        self.application, self.use_cases = application, application.use_cases()
        self.consume = Consumer(application.messaging.new_inbox, ROUTES, self.use_cases)

    @property
    def request(self) -> RequestContext:
        return RequestContext(arrived=self.application.process.clock().now())

    async def buy(self, reference: str, quantity: int = 10, sku: str = KIT, eta: date | None = None) -> StockLevel:
        purchase = Purchase(reference=reference, sku=sku, quantity=quantity, eta=eta)
        batch: StockLevel = (await self.use_cases.inventory.create_batch(purchase, self.request)).batch
        return batch

    async def allocate(self, order: str, quantity: int = 1, sku: str = KIT, **more: Any) -> OrderLine:
        demand = AllocationDemand(order=order, sku=sku, quantity=quantity, **more)
        [outcome] = await self.use_cases.inventory.allocate_lines([AllocationRequest(demand, self.request)])
        assert isinstance(outcome, Allocation), outcome
        return outcome.line

    async def deallocate(self, order: str, sku: str = KIT) -> OrderLine:
        line: OrderLine = await self.use_cases.inventory.deallocate_line(LineKey(sku, order))
        return line

    async def announced(self, after: Sequence[Message] = ()) -> Sequence[Message]:
        """Return the events of inventory that follow `after`."""
        last = after[-1].id if after else None
        found: Sequence[Message] = await self.application.messaging.event_history().page("inventory", last, NO_LIMIT)
        return found

    async def take_in(self, messages: Sequence[Message] | None = None) -> None:
        """Apply new events to the views."""
        await self.consume(await self.announced() if messages is None else messages)

    async def lines(self, order: str) -> dict[str, OrderLine]:
        """Return the view of an order by sku."""
        return {line.sku: line for line in await self.application.inventory.stock_views().order(order)}


def quiet(*_: object) -> None:
    """Ignore progress reports."""
