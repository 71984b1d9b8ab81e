"""Dues over HTTP: what candidates owe, as of any day."""

from datetime import date
from typing import Annotated

from litestar import Controller, get
from litestar.params import FromPath, QueryParameter
from litestar.response.base import ASGIResponse

from core.fees.names import Name
from core.kernel.constraints import Text
from core.payments.write_dues import DueLine
from core.payments.write_dues_by_centre import CentreDueLine
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.problems import problems
from entrypoints.http.reports import csv_of, csv_response

Centre = Annotated[str, Text("1 to 16 letters, digits or hyphens", "[A-Za-z0-9-]{1,16}")]
Day = Annotated[date | None, QueryParameter(description="As of the end of this day in the office's zone; or of today")]


class DuesController(Controller):
    """What the fees of a schedule still owe, as CSV."""

    path = "/v1/dues"
    tags = ("Payments",)

    @get(
        "/{schedule:str}",
        operation_id="downloadDues",
        responses={200: csv_of(DueLine), **problems(400, 404, 422, 503)},
    )
    async def of_schedule(
        self,
        schedule: FromPath[Name],
        use_cases: Wired[UseCases],
        day: Day = None,
        centre: Annotated[Centre | None, QueryParameter(description="Only of this centre")] = None,
    ) -> ASGIResponse:
        """Download what each candidate owes who was charged by then; `pending` is no debt, and not overdue."""
        return await csv_response(await use_cases.payments.write_dues(schedule, day, centre or ""))

    @get(
        "/{schedule:str}/centres",
        operation_id="downloadDuesByCentre",
        responses={200: csv_of(CentreDueLine), **problems(400, 404, 422, 503)},
    )
    async def by_centre(self, schedule: FromPath[Name], use_cases: Wired[UseCases], day: Day = None) -> ASGIResponse:
        """Download what the candidates of each centre owe."""
        return await csv_response(await use_cases.payments.write_dues_by_centre(schedule, day))
