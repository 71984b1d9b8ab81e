"""Repricings over HTTP: counted first, then started."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, JSONBody

from core.fees.repricing import RepricingView
from core.kernel.decisions import Why
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.idempotency import IDEMPOTENCY_KEY, Idempotency
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems


class RepricingStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was counted, and why the differences are to become tasks."""

    confirm: Annotated[int, msgspec.Meta(ge=0)]
    """The `changes` of the counted repricing."""
    why: Why


class RepricingsController(Controller):
    """Prices the fees of a schedule again by its newest version."""

    path = "/v1"
    tags = ("Fees",)

    @post(
        "/fee-schedules/{code:str}/repricings",
        operation_id="requestRepricing",
        sent_headers=(IDEMPOTENCY_KEY,),
        responses=problems(400, 404, 409, 422, 503),
    )
    async def ask(
        self,
        request: Request[Any, Any, Any],
        code: FromPath[str],
        use_cases: Wired[UseCases],
        idempotency: Wired[Idempotency],
    ) -> Response[RepricingView]:
        """Have it counted what the newest version changes for the fees of older ones; nothing is changed."""
        context = await idempotency.context(request)
        return await idempotency.respond(context, use_cases.fees.request_repricing(code, context))

    @get("/repricings/{repricing:uuid}", operation_id="showRepricing", responses=problems(400, 404, 503))
    async def show(self, repricing: FromPath[UUID], use_cases: Wired[UseCases]) -> RepricingView:
        """Show how far a repricing is, and what it changes."""
        return await use_cases.fees.show_repricing(repricing)

    @post(
        "/repricings/{repricing:uuid}/start",
        operation_id="startRepricing",
        status_code=200,
        before_request=json_only,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def start(
        self, repricing: FromPath[UUID], data: JSONBody[RepricingStart], use_cases: Wired[UseCases]
    ) -> RepricingView:
        """Make an adjustment of each counted difference; another person decides about them."""
        return await use_cases.fees.start_repricing(repricing, data.confirm, data.why)
