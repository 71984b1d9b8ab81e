"""The stores over HTTP: what changes them."""

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, patch, post
from litestar.params import FromPath, JSONBody

from core.inventory.cancel_order import CancelOrder
from core.inventory.change_arrival import ChangeArrival
from core.inventory.change_batch_quantity import ChangeBatchQuantity
from core.inventory.create_batch import CreateBatch, Purchase
from core.inventory.deallocate_line import DeallocateLine
from core.inventory.order_line import AllocationDemand, AllocationRequest, OrderLine
from core.inventory.ports import LineKey
from core.inventory.ship_order import ShipOrder
from core.inventory.stock_level import StockChange
from core.kernel.errors import Invalid
from core.kernel.idempotency import RequestContext
from entrypoints.http.dependencies import Wired
from entrypoints.http.idempotency import IdempotencyKey, respond_idempotently
from entrypoints.http.inventory.retry_on_deadlock import retry_on_deadlock
from entrypoints.http.inventory.stock_views import AllocationViews, BatchViews
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems


class PurchaseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods were bought."""

    reference: str
    sku: str
    quantity: int
    eta: date | None = None
    """When they arrive; without it they are in the warehouse."""

    def purchase(self) -> Purchase:
        """Return what the core calls it."""
        return Purchase(reference=self.reference, sku=self.sku, quantity=self.quantity, eta=self.eta)


class BatchChangeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is different about a batch: one of the two."""

    quantity: int | msgspec.UnsetType = msgspec.UNSET
    eta: date | msgspec.UnsetType | None = msgspec.UNSET
    """The new day of arrival; null: it is in the warehouse."""


class AllocationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order wants pieces of a sku."""

    order: str
    sku: str
    quantity: int
    split: bool = False
    """Whether the pieces may come from several batches."""
    wait: bool = False
    """Whether to wait for stock where there is none; then the sku need not have been bought before."""
    priority: Annotated[int, msgspec.Meta(ge=0, le=9)] = 5
    """Of two lines of a batch that becomes smaller, the one of the higher number gives its pieces up first."""
    hold_until: datetime | None = None
    """When the pieces return to stock unless they have been shipped."""

    def demand(self) -> AllocationDemand:
        """Return what the core calls it."""
        return AllocationDemand(**msgspec.structs.asdict(self))


class ShipmentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A parcel left."""

    order: str
    sku: str | None = None
    """What was in it; without it, everything the order has."""


class BatchesController(BatchViews):
    """Buy goods, and correct what was said of them."""

    @post("/", before_request=json_only, responses=problems(400, 409, 413, 415, 422, 503))
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[PurchaseBody],
        idempotency_key: IdempotencyKey,
        create_batch: Wired[CreateBatch],
    ) -> Response[StockChange]:
        """Take bought goods into account; lines that wait get theirs, the oldest first."""
        return await respond_idempotently(
            request, idempotency_key, lambda demand: create_batch(data.purchase(), demand)
        )

    @patch("/{reference:str}", before_request=json_only, responses=problems(400, 404, 409, 413, 415, 503))
    async def change(
        self,
        request: Request[Any, Any, Any],
        reference: FromPath[str],
        data: JSONBody[BatchChangeBody],
        change_batch_quantity: Wired[ChangeBatchQuantity],
        change_arrival: Wired[ChangeArrival],
    ) -> StockChange:
        """Change the quantity of a batch or its arrival.

        When a batch becomes too small, lines give their pieces up: the highest priority number first, of these the
        youngest.  Each gets others, or waits at its old place in the queue.
        """
        if (data.quantity is msgspec.UNSET) == (data.eta is msgspec.UNSET):
            raise Invalid("change either `quantity` or `eta`", at="$")
        if data.quantity is not msgspec.UNSET:
            return await change_batch_quantity(reference, data.quantity)
        assert data.eta is not msgspec.UNSET  # noqa: S101 - or we would not be here
        arrived = request.scope["arrived"]  # type: ignore[typeddict-item]
        return await change_arrival(reference, data.eta, RequestContext(arrived=arrived))


class AllocationsController(AllocationViews):
    """Allocate pieces to orders, and take them back."""

    @post("/", before_request=json_only, responses=problems(400, 404, 409, 413, 415, 422, 503))
    async def allocate(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[AllocationBody],
        idempotency_key: IdempotencyKey,
    ) -> Response[OrderLine]:
        """Allocate a line, once: the same line again is answered as it stands, another quantity is refused."""
        state = request.app.state

        async def act(demand: RequestContext) -> object:
            allocation = await state.allocate(AllocationRequest(data.demand(), demand))
            first = None if allocation.new else await state.answers.to(demand)
            return first or allocation.line

        return await respond_idempotently(request, idempotency_key, act)

    @delete("/{order:str}/{sku:str}", status_code=200, responses=problems(400, 404, 409, 503))
    async def deallocate(
        self, order: FromPath[str], sku: FromPath[str], deallocate_line: Wired[DeallocateLine]
    ) -> OrderLine:
        """Return the pieces of a line to stock, or its place in the queue to nobody."""
        return await deallocate_line(LineKey(sku, order))

    @delete("/{order:str}", status_code=200, responses=problems(400, 404, 409, 503))
    async def cancel(self, order: FromPath[str], cancel_order: Wired[CancelOrder]) -> list[OrderLine]:
        """Cancel an order: everything it has returns to stock, or nothing does."""
        return list(await retry_on_deadlock(lambda: cancel_order(order)))


@post("/v1/shipments", before_request=json_only, responses=problems(400, 404, 409, 413, 415, 422, 503), tags=["Stores"])
async def ship(
    request: Request[Any, Any, Any],
    data: JSONBody[ShipmentBody],
    idempotency_key: IdempotencyKey,
    ship_order: Wired[ShipOrder],
) -> Response[list[OrderLine]]:
    """Note that pieces left the stores: nobody can take them back any more."""
    return await respond_idempotently(
        request, idempotency_key, lambda demand: retry_on_deadlock(lambda: ship_order(data.order, data.sku, demand))
    )
