"""Settlement files over HTTP."""

from typing import Annotated, Any

from litestar import Request, post
from litestar.params import QueryParameter

from core.fees.names import Name
from core.settlements.import_settlement import SettlementReport
from core.use_cases import UseCases
from entrypoints.http.body_parts import body_parts
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import csv_only
from entrypoints.http.problems import problems
from entrypoints.settlement_mappings import shipped_mapping

MAX_FILE_BYTES = 512 * 1024 * 1024
"""Two million lines."""
PART_BYTES = 16 * 1024
"""The part of a file that is read in one turn of the event loop: a hundred lines."""
FORM = "The file as the gateway makes it: CSV in UTF-8, whose first line names the columns"
FILE = {"text/csv": {"schema": {"type": "string", "format": "binary", "description": FORM}}}


@post(
    "/v1/settlements:import",
    operation_id="importSettlement",
    status_code=200,
    before_request=csv_only,
    opt={"body": FILE},
    request_max_body_size=MAX_FILE_BYTES,
    responses=problems(400, 413, 415, 422, 503),
    tags=["Settlements"],
)
async def import_settlement(
    request: Request[Any, Any, Any],
    use_cases: Wired[UseCases],
    gateway: Annotated[Name, QueryParameter(description="Whose file it is: razorpay or stripe")],
) -> SettlementReport:
    """Match a gateway's settlement file: what matches is posted, the rest are exceptions; twice changes nothing.

    It needs no idempotency key: lines are known by the gateway's own ids, also in the file of another day. After an
    error, what was read is kept, and the same file continues it.
    """
    mapping = shipped_mapping(gateway)
    return await use_cases.settlements.import_settlement(mapping, body_parts(request, PART_BYTES))
