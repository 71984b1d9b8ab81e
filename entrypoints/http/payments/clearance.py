"""Clearance over HTTP: which candidates may sit the exam."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.response.base import ASGIResponse

from core.fees.names import Name
from core.payments.list_clearance import ClearancePage, clearance_file
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.ndjson import StreamedResponse
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit
from entrypoints.http.reports import CSV

FILE = ResponseSpec(
    str,
    description="One line per candidate, after a line that names the columns: registration, reference, centre,"
    " cleared (yes or no), status. A text that begins like a formula has a quote before it",
    media_type=CSV,
    generate_examples=False,
)


class ClearanceController(Controller):
    """Lists who has settled the fee of a schedule."""

    path = "/v1/clearance"
    tags = ("Payments",)

    @get("/{schedule:str}", operation_id="listClearance", responses=problems(400, 404, 503))
    async def list_of_schedule(
        self,
        schedule: FromPath[Name],
        use_cases: Wired[UseCases],
        after: Annotated[UUID | None, QueryParameter(description="`next` of the previous page")] = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> ClearancePage:
        """List the fees of a schedule, the earliest first; `pending` is no debt: the payer may be debited."""
        return await use_cases.payments.list_clearance(schedule, after, limit)

    @get(
        "/{schedule:str}/hall-list",
        operation_id="downloadHallList",
        responses={200: FILE, **problems(400, 404, 503)},
    )
    async def hall_list(self, schedule: FromPath[Name], use_cases: Wired[UseCases]) -> ASGIResponse:
        """Download the list of the exam hall as CSV."""
        parts = clearance_file(use_cases.payments.list_clearance, schedule)
        return StreamedResponse(await anext(parts), parts, CSV)
