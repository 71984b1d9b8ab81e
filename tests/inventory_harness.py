"""The stores of an application, for tests that move goods and look at what is seen of them."""

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
from entrypoints.messages.replays import with_replays
from entrypoints.messages.routes import routes
from tests.examples import ids

KIT = "SU-EXAM-KIT"
ANY_FRESHNESS = Freshness()
NO_LIMIT = 1_000_000


class Stores:
    """Goods come and go; somebody has to take in what is announced before it is seen."""

    def __init__(self, application: Application) -> None:
        self.driven = application.driven
        self.use_cases_alone = application.use_cases().providers
        self.use_cases = with_replays(self.use_cases_alone)
        self.consume = Consumer(self.driven.new_inbox, routes(self.use_cases), self.driven.clock(), ids)

    @property
    def request(self) -> RequestContext:
        return RequestContext(arrived=self.driven.clock().now())

    async def buy(self, reference: str, quantity: int = 10, sku: str = KIT, eta: date | None = None) -> StockLevel:
        purchase = Purchase(reference=reference, sku=sku, quantity=quantity, eta=eta)
        batch: StockLevel = (await self.use_cases["create_batch"]()(purchase, self.request)).batch
        return batch

    async def allocate(self, order: str, quantity: int = 1, sku: str = KIT, **more: Any) -> OrderLine:
        demand = AllocationDemand(order=order, sku=sku, quantity=quantity, **more)
        [outcome] = await self.use_cases["allocate_lines"]()([AllocationRequest(demand, self.request)])
        assert isinstance(outcome, Allocation), outcome
        return outcome.line

    async def deallocate(self, order: str, sku: str = KIT) -> OrderLine:
        line: OrderLine = await self.use_cases["deallocate_line"]()(LineKey(sku, order))
        return line

    async def announced(self, after: Sequence[Message] = ()) -> Sequence[Message]:
        """Return the events of the stores, those behind `after`."""
        last = after[-1].id if after else None
        found: Sequence[Message] = await self.driven.history().page("inventory", last, NO_LIMIT)
        return found

    async def take_in(self, messages: Sequence[Message] | None = None) -> None:
        """Let what was announced be seen."""
        await self.consume(await self.announced() if messages is None else messages)

    async def lines(self, order: str) -> dict[str, OrderLine]:
        """Return what is seen of an order, by sku."""
        return {line.sku: line for line in await self.driven.stock_views().order(order)}


def quiet(*_: object) -> None:
    """Say nothing."""
