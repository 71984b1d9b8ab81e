"""Fee schedules over HTTP."""

from typing import Any

from litestar import Controller, Response, get, put
from litestar.params import FromPath, JSONBody

from core.fees.names import Name
from core.fees.schedule import FeeSchedule
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems
from entrypoints.http.strict_json import as_json

SCHEDULE = {"application/json": {"schema": {"$ref": "#/components/schemas/FeeScheduleDocument"}}}
MAX_SCHEDULE_BYTES = 128 * 1024


class FeeSchedulesController(Controller):
    """Publish and list fee schedules."""

    path = "/v1/fee-schedules"
    tags = ("Fee schedules",)

    @put(
        "/{code:str}",
        operation_id="publishFeeSchedule",
        before_request=json_only,
        opt={"body": SCHEDULE},
        request_max_body_size=MAX_SCHEDULE_BYTES,
        responses=problems(400, 409, 413, 415, 422, 503),
    )
    async def publish(
        self,
        code: FromPath[Name],
        data: JSONBody[dict[str, Any]],
        use_cases: Wired[UseCases],
    ) -> Response[FeeSchedule]:
        """Put a schedule in force: the document of `config/data/schedules`, as JSON; a change makes a new version."""
        return as_json(await use_cases.fees.publish_fee_schedule(data, code))

    @get("/", operation_id="listFeeSchedules", responses=problems(400, 503))
    async def list_current(self, use_cases: Wired[UseCases]) -> Response[list[FeeSchedule]]:
        """List the schedules in force."""
        return as_json(await use_cases.fees.list_fee_schedules())
