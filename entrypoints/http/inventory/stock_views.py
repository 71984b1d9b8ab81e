"""The stores over HTTP: what is seen of them, and how new it is."""

import re
from datetime import date
from typing import Annotated, TypeVar

from litestar import Controller, Response, get
from litestar.datastructures import ResponseHeader
from litestar.params import FromPath, FromQuery, HeaderParameter, QueryParameter

from core.inventory.freshness import Freshness, SkuVersion
from core.inventory.show_allocations import OrderAllocations, ShowAllocations
from core.inventory.show_availability import Availability, ShowAvailability
from core.inventory.show_batch import BatchView, ShowBatch
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
        " knows what is stored at this moment, or `at_least`. Other preferences are ignored.",
    ),
]
AtLeast = Annotated[
    str | None,
    QueryParameter(
        description="See at least this: the sku and the `version` of a line that was answered before, `EXAM-KIT:17`;"
        " without `Prefer` up to 1 s is waited for it."
    ),
]
PREFERENCE_APPLIED_HEADERS = [
    ResponseHeader(
        name="Preference-Applied",
        documentation_only=True,
        required=False,
        description="`wait`, when the view came so far in time",
    )
]


class AllocationViews(Controller):
    """Look at orders; what is seen follows what is stored by some milliseconds."""

    path = "/v1/allocations"
    tags = ("Stores",)

    @get("/{order:str}", responses=problems(400, 404, 503), response_headers=PREFERENCE_APPLIED_HEADERS)
    async def show(
        self,
        order: FromPath[str],
        show_allocations: Wired[ShowAllocations],
        at_least: AtLeast = None,
        prefer: Prefer = None,
    ) -> Response[OrderAllocations]:
        """Show what an order has: from which batches, why those, and what was passed over."""
        return answer(await show_allocations(order, freshness(at_least, prefer)), prefer)


class BatchViews(Controller):
    """Look at batches."""

    path = "/v1/batches"
    tags = ("Stores",)

    @get("/{reference:str}", responses=problems(400, 404, 503), response_headers=PREFERENCE_APPLIED_HEADERS)
    async def show(
        self,
        reference: FromPath[str],
        show_batch: Wired[ShowBatch],
        at_least: AtLeast = None,
        prefer: Prefer = None,
    ) -> Response[BatchView]:
        """Show how much of a batch is left."""
        return answer(await show_batch(reference, freshness(at_least, prefer)), prefer)


class AvailabilityController(Controller):
    """Look at what is left."""

    path = "/v1/availability"
    tags = ("Stores",)

    @get("/{sku:str}", responses=problems(400, 404, 503), response_headers=PREFERENCE_APPLIED_HEADERS)
    async def show(
        self,
        sku: FromPath[str],
        show_availability: Wired[ShowAvailability],
        on: FromQuery[date | None] = None,
        at_least: AtLeast = None,
        prefer: Prefer = None,
    ) -> Response[Availability]:
        """Show how many pieces nobody has been given, on a day and after each arrival."""
        return answer(await show_availability(sku, on, freshness(at_least, prefer)), prefer)


def freshness(at_least: str | None, prefer: str | None) -> Freshness:
    """Return how new a view is to be."""
    return Freshness(
        at_least=None if at_least is None else SkuVersion.read(at_least), seconds=preferred_wait_seconds(prefer)
    )


def preferred_wait_seconds(prefer: str | None) -> float | None:
    """Return the seconds that somebody would wait; None where nothing is said that we understand."""
    if prefer is None or (found := PREFER_WAIT_PATTERN.search(prefer)) is None:
        return None
    return int(found[2]) / (1000 if found[3] else 1)


def answer(view: V, prefer: str | None) -> Response[V]:
    """Answer with a view, and tell who asked for it to be new that it is."""
    response = as_json(view)
    if view.caught_up and preferred_wait_seconds(prefer) is not None:
        response.headers["Preference-Applied"] = "wait"
    return response
