"""Reports over HTTP: CSV that is sent while it is made."""

from typing import Any

from litestar.openapi.datastructures import ResponseSpec
from litestar.response.base import ASGIResponse

from core.kernel.report import Report, columns_of, report_csv
from entrypoints.http.ndjson import StreamedResponse

CSV = "text/csv"


def csv_of(row: type[Any]) -> ResponseSpec:
    """Return the documentation of a report."""
    columns = ", ".join(columns_of(row))
    return ResponseSpec(
        str,
        description=f"One line per row, after a line that names the columns: {columns}. Amounts are in major units of"
        " their currency; a text that begins like a formula has a quote before it",
        media_type=CSV,
        generate_examples=False,
    )


async def csv_response(report: Report[Any]) -> ASGIResponse:
    """Return a response that begins when the first page is made, so that an outage before it has its status."""
    parts = report_csv(report)
    return StreamedResponse(await anext(parts), parts, CSV)
