"""Fee schedules over HTTP."""

from typing import Any

from litestar import Controller, Response, get, put
from litestar.params import FromPath, JSONBody

from core.fees.list_fee_schedules import ListFeeSchedules
from core.fees.publish_fee_schedule import PublishFeeSchedule
from core.fees.schedule import FeeSchedule
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems
from entrypoints.http.strict_json import as_json


class FeeSchedulesController(Controller):
    """Publish and list fee schedules."""

    path = "/v1/fee-schedules"
    tags = ("Fee schedules",)

    @put("/{code:str}", before_request=json_only, responses=problems(400, 409, 413, 415, 503))
    async def publish(
        self,
        code: FromPath[str],
        data: JSONBody[dict[str, Any]],
        publish_fee_schedule: Wired[PublishFeeSchedule],
    ) -> Response[FeeSchedule]:
        """Put a schedule in force: the document of `config/schedules`, as JSON; a change makes a new version."""
        return as_json(await publish_fee_schedule(data, code))

    @get("/", responses=problems(503))
    async def list_current(self, list_fee_schedules: Wired[ListFeeSchedules]) -> Response[list[FeeSchedule]]:
        """List the schedules in force."""
        return as_json(await list_fee_schedules())
