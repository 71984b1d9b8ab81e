"""Reports of the ledger over HTTP."""

from datetime import date
from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter
from litestar.response.base import ASGIResponse

from core.fees.names import Name
from core.ledger.reports.write_collection import CollectionLine
from core.ledger.reports.write_day_book import DayBookLine
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.problems import problems
from entrypoints.http.reports import csv_of, csv_response


class LedgerReportsController(Controller):
    """What accountants take from the ledger, as CSV."""

    path = "/v1/ledger"
    tags = ("Ledger",)

    @get(
        "/day-book",
        operation_id="downloadDayBook",
        responses={200: csv_of(DayBookLine), **problems(400, 422, 503)},
    )
    async def day_book(
        self,
        use_cases: Wired[UseCases],
        day: Annotated[date, QueryParameter(description="A day in the time zone of the office")],
    ) -> ASGIResponse:
        """Download every posting of a day, between the opening and the closing balances of accounts."""
        return await csv_response(await use_cases.ledger.write_day_book(day))

    @get(
        "/collection",
        operation_id="downloadCollection",
        responses={200: csv_of(CollectionLine), **problems(400, 422, 503)},
    )
    async def collection(
        self,
        use_cases: Wired[UseCases],
        since: Annotated[date, QueryParameter(name="from", description="The first day")],
        until: Annotated[date, QueryParameter(name="to", description="The last day")],
        schedule: Annotated[Name | None, QueryParameter(description="Only of this schedule")] = None,
        daily: Annotated[bool, QueryParameter(description="A line for each day, instead of one for all")] = False,
    ) -> ASGIResponse:
        """Download what was charged, waived, fined, collected and refunded, by schedule and head."""
        return await csv_response(await use_cases.ledger.write_collection(since, until, schedule or "", daily=daily))
