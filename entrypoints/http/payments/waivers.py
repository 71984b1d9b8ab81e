"""Waivers over HTTP: requested by one person, decided by another."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.payments.list_waivers import WaiverPage
from core.payments.request_waiver import WaiverView, WantedWaiver
from core.use_cases import UseCases
from entrypoints.http.decisions import ApprovalBody, ReasonBody
from entrypoints.http.dependencies import Wired
from entrypoints.http.idempotency import IDEMPOTENCY_KEY, Idempotency
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit

REFUSALS = problems(400, 404, 409, 413, 415, 422, 503)


class WaiversController(Controller):
    """Waive parts of fees."""

    path = "/v1"
    tags = ("Payments",)

    @post(
        "/exam-fees/{name:str}/waivers",
        operation_id="requestWaiver",
        before_request=json_only,
        sent_headers=(IDEMPOTENCY_KEY,),
        responses=REFUSALS,
    )
    async def ask(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        data: JSONBody[WantedWaiver],
        use_cases: Wired[UseCases],
        idempotency: Wired[Idempotency],
    ) -> Response[WaiverView]:
        """Ask to waive an amount, or a percentage of what is due; another person decides about it."""
        context = await idempotency.context(request)
        return await idempotency.respond(context, use_cases.payments.request_waiver(name, data, context))

    @get("/waivers", operation_id="listWaivers", responses=problems(400, 503))
    async def waiting(
        self,
        use_cases: Wired[UseCases],
        after: Annotated[UUID | None, QueryParameter(description="`next` of the previous page")] = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> WaiverPage:
        """List the waivers that wait for a decision, the earliest requested first."""
        return await use_cases.payments.list_waivers(after, limit)

    @post(
        "/waivers/{waiver:uuid}/decision",
        operation_id="decideWaiver",
        status_code=200,
        before_request=json_only,
        responses=REFUSALS,
    )
    async def decide(
        self, waiver: FromPath[UUID], data: JSONBody[ApprovalBody], use_cases: Wired[UseCases]
    ) -> WaiverView:
        """Approve or refuse a waiver that another person requested; what was paid beyond the rest goes back."""
        return await use_cases.payments.decide_waiver(waiver, data.decision, data.why)

    @post(
        "/waivers/{waiver:uuid}/retraction",
        operation_id="retractWaiver",
        status_code=200,
        before_request=json_only,
        responses=REFUSALS,
    )
    async def retract(
        self, waiver: FromPath[UUID], data: JSONBody[ReasonBody], use_cases: Wired[UseCases]
    ) -> WaiverView:
        """Take an approved waiver back; its amount is owed again."""
        return await use_cases.payments.retract_waiver(waiver, data.why)
