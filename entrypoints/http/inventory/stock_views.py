"""The views of inventory over HTTP, and their freshness."""

import re
from datetime import date
from typing import Annotated, TypeVar

from litestar import Controller, Response, get
from litestar.datastructures import ResponseHeader
from litestar.params import FromPath, FromQuery, HeaderParameter, QueryParameter

from core.inventory.freshness import VERSION_TOKEN, Freshness, SkuVersion
from core.inventory.names import Name
from core.inventory.show_allocations import OrderAllocations
from core.inventory.show_availability import Availability
from core.inventory.show_batch import BatchView
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.problems import problems
from entrypoints.http.strict_json import as_json

V = TypeVar("V", OrderAllocations, Availability, BatchView)
PREFER_WAIT_PATTERN = re.compile(
    r'(?:^|,)[ \t]*wait[ \t]*=[ \t]*("?)([0-9]{1,9})(ms)?\1[ \t]*(?=[;,]|$)', re.IGNORECASE | re.ASCII
)
Prefer = Annotated[
    str | None,
    HeaderParameter(
        name="Prefer",
        description="`wait=500ms`, or `wait=2` for seconds (RFC 7240): how long to wait, 5 s at most, until the view"
        " contains all that is stored at this moment, or `at_least`. Other preferences are ignored.",
    ),
]
AtLeast = Annotated[
    Annotated[str, VERSION_TOKEN] | None,
    QueryParameter(
        description="The minimum version of the view: the sku and the `version` of a line in an earlier answer,"
        " `EXAM-KIT:17`; without `Prefer` the request waits up to 1 s for it."
    ),
]
PREFERENCE_APPLIED_HEADERS = [
    ResponseHeader(
        name="Preference-Applied",
        documentation_only=True,
        required=False,
        description="`wait`, when the view reached the required version in time",
    )
]


class AllocationViews(Controller):
    """Shows orders; the view follows the stored lines within milliseconds."""

    path = "/v1/allocations"
    tags = ("Inventory",)

    @get(
        "/{order:str}",
        operation_id="showAllocations",
        responses=problems(400, 404, 503),
        response_headers=PREFERENCE_APPLIED_HEADERS,
    )
    async def show(
        self,
        order: FromPath[Name],
        use_cases: Wired[UseCases],
        at_least: AtLeast = None,
        prefer: Prefer = None,
    ) -> Response[OrderAllocations]:
        """Show the lines of an order: their batches, why these were selected, and the batches passed over."""
        return view_response(await use_cases.inventory.show_allocations(order, freshness(at_least, prefer)), prefer)


class BatchViews(Controller):
    """Shows batches."""

    path = "/v1/batches"
    tags = ("Inventory",)

    @get(
        "/{reference:str}",
        operation_id="showBatch",
        responses=problems(400, 404, 503),
        response_headers=PREFERENCE_APPLIED_HEADERS,
    )
    async def show(
        self,
        reference: FromPath[Name],
        use_cases: Wired[UseCases],
        at_least: AtLeast = None,
        prefer: Prefer = None,
    ) -> Response[BatchView]:
        """Show the remaining quantity of a batch."""
        return view_response(await use_cases.inventory.show_batch(reference, freshness(at_least, prefer)), prefer)


class AvailabilityController(Controller):
    """Shows availability."""

    path = "/v1/availability"
    tags = ("Inventory",)

    @get(
        "/{sku:str}",
        operation_id="showAvailability",
        responses=problems(400, 404, 503),
        response_headers=PREFERENCE_APPLIED_HEADERS,
    )
    async def show(
        self,
        sku: FromPath[Name],
        use_cases: Wired[UseCases],
        on: FromQuery[date | None] = None,
        at_least: AtLeast = None,
        prefer: Prefer = None,
    ) -> Response[Availability]:
        """Show the unallocated pieces of a sku, on a day and after each arrival."""
        return view_response(await use_cases.inventory.show_availability(sku, on, freshness(at_least, prefer)), prefer)


def freshness(at_least: str | None, prefer: str | None) -> Freshness:
    """Return the required freshness of a view."""
    return Freshness(
        at_least=None if at_least is None else SkuVersion.read(at_least), seconds=preferred_wait_seconds(prefer)
    )


def preferred_wait_seconds(prefer: str | None) -> float | None:
    """Return the seconds of `wait`; None without a valid one."""
    if prefer is None or (found := PREFER_WAIT_PATTERN.search(prefer)) is None:
        return None
    return int(found[2]) / (1000 if found[3] else 1)


def view_response(view: V, prefer: str | None) -> Response[V]:
    """Respond with a view, and with `Preference-Applied` if it reached the version that `wait` requires."""
    response = as_json(view)
    if view.caught_up and preferred_wait_seconds(prefer) is not None:
        response.headers["Preference-Applied"] = "wait"
    return response
