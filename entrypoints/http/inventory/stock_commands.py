"""The commands of inventory over HTTP."""

from collections.abc import Awaitable
from datetime import date
from typing import Any

import msgspec
from litestar import Request, Response, delete, patch, post
from litestar.params import FromPath, JSONBody

from core.inventory.allocate_lines import Allocation
from core.inventory.create_batch import Purchase
from core.inventory.names import BatchQuantity, Name
from core.inventory.order_line import AllocationDemand, AllocationRequest, OrderLine
from core.inventory.ports import LineKey
from core.inventory.ship_order import Shipment
from core.inventory.stock_level import StockChange
from core.kernel.errors import Invalid
from core.kernel.idempotency import Answers, RequestContext
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired, arrival
from entrypoints.http.idempotency import IDEMPOTENCY_KEY, Idempotency
from entrypoints.http.inventory.retry_on_deadlock import retry_on_deadlock
from entrypoints.http.inventory.stock_views import AllocationViews, BatchViews
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems


class BatchChangeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new quantity or a new arrival of a batch, not both."""

    quantity: BatchQuantity | msgspec.UnsetType = msgspec.UNSET
    eta: date | msgspec.UnsetType | None = msgspec.UNSET
    """The new day of arrival; null: the batch is in the warehouse."""


CHANGE = {
    "application/json": {
        "schema": {
            "$ref": "#/components/schemas/BatchChangeBody",
            "oneOf": [{"required": [name]} for name in BatchChangeBody.__struct_fields__],
        }
    }
}


class BatchesController(BatchViews):
    """Create, change and show batches."""

    @post(
        "/",
        operation_id="createBatch",
        before_request=json_only,
        sent_headers=(IDEMPOTENCY_KEY,),
        responses=problems(400, 409, 413, 415, 422, 503),
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[Purchase],
        use_cases: Wired[UseCases],
        idempotency: Wired[Idempotency],
    ) -> Response[StockChange]:
        """Create a batch of purchased goods; it serves backorders, the oldest first."""
        context = await idempotency.context(request)
        return await idempotency.respond(context, use_cases.inventory.create_batch(data, context))

    @patch(
        "/{reference:str}",
        operation_id="changeBatch",
        before_request=json_only,
        opt={"body": CHANGE},
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def change(
        self,
        request: Request[Any, Any, Any],
        reference: FromPath[Name],
        data: JSONBody[BatchChangeBody],
        use_cases: Wired[UseCases],
    ) -> StockChange:
        """Change the quantity of a batch or its arrival.

        When a batch becomes too small, lines are deallocated: the highest priority number first, of these the
        newest.  Each is allocated from other batches, or becomes a backorder at its old position.
        """
        if (data.quantity is msgspec.UNSET) == (data.eta is msgspec.UNSET):
            raise Invalid("change either `quantity` or `eta`", at="$")
        if data.quantity is not msgspec.UNSET:
            return await use_cases.inventory.change_batch_quantity(reference, data.quantity)
        assert data.eta is not msgspec.UNSET  # noqa: S101 - one of the two is set
        context = RequestContext(arrived=arrival(request))
        return await use_cases.inventory.change_arrival(reference, data.eta, context)


class AllocationsController(AllocationViews):
    """Allocate, deallocate and show lines of orders."""

    @post(
        "/",
        operation_id="allocate",
        before_request=json_only,
        sent_headers=(IDEMPOTENCY_KEY,),
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def allocate(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[AllocationDemand],
        use_cases: Wired[UseCases],
        idempotency: Wired[Idempotency],
    ) -> Response[OrderLine]:
        """Allocate a line once; the same line again gets its present state, another quantity is refused."""
        context = await idempotency.context(request)
        allocating = use_cases.inventory.allocation_batcher.allocate(AllocationRequest(data, context))
        return await idempotency.respond(context, first_answer(allocating, context, idempotency.answers))

    @delete(
        "/{order:str}/{sku:str}", operation_id="deallocate", status_code=200, responses=problems(400, 404, 409, 503)
    )
    async def deallocate(self, order: FromPath[Name], sku: FromPath[Name], use_cases: Wired[UseCases]) -> OrderLine:
        """Return the pieces of a line to stock, or remove it from the backorders."""
        return await use_cases.inventory.deallocate_line(LineKey(sku, order))

    @delete("/{order:str}", operation_id="cancelOrder", status_code=200, responses=problems(400, 404, 409, 503))
    async def cancel(
        self, request: Request[Any, Any, Any], order: FromPath[Name], use_cases: Wired[UseCases]
    ) -> list[OrderLine]:
        """Cancel an order: all its lines return to stock, or none does."""
        refuse_empty_segment(request)
        return list(await retry_on_deadlock(use_cases.inventory.cancel_order, order))


@post(
    "/v1/shipments",
    operation_id="shipOrder",
    before_request=json_only,
    sent_headers=(IDEMPOTENCY_KEY,),
    responses=problems(400, 404, 409, 413, 415, 422, 503),
    tags=["Inventory"],
)
async def ship(
    request: Request[Any, Any, Any],
    data: JSONBody[Shipment],
    use_cases: Wired[UseCases],
    idempotency: Wired[Idempotency],
) -> Response[list[OrderLine]]:
    """Ship a line or an order; shipped pieces cannot be deallocated."""
    context = await idempotency.context(request)
    shipping = retry_on_deadlock(use_cases.inventory.ship_order, data.order, data.sku, context)
    return await idempotency.respond(context, shipping)


def refuse_empty_segment(request: Request[Any, Any, Any]) -> None:
    """Raise `Invalid` for the path of a line whose sku is empty, which Litestar takes for the path of the order."""
    path: bytes = request.scope["raw_path"]
    if path.endswith(b"/") or b"//" in path:
        raise Invalid("a part of the path is empty: `/v1/allocations/{order}` is the order, `…/{order}/{sku}` a line")


async def first_answer(allocating: Awaitable[Allocation], context: RequestContext, answers: Answers) -> object:
    """Return the line, or the stored answer if this request allocated it before."""
    allocation = await allocating
    return allocation.line if allocation.new else await answers.find(context) or allocation.line
