"""Deliveries over HTTP: their list, decisions about deliveries in doubt, and status reports of vendors."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from core.kernel.authorization import current_principal
from core.kernel.decisions import Why
from core.kernel.period import Moment
from core.notifications.delivery import Channel, DeliveryState
from core.notifications.delivery_list import Cursor, DeliveryFilter, DeliveryPage, DeliverySummary
from core.notifications.settle_delivery import Settlement, Verdict
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import form_fields, form_only, json_only
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, FOREIGN_QUERY, Limit, period

MAX_FORM_BYTES = 20_000
FORM = {"application/x-www-form-urlencoded": {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}}


class SettlementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision of the caller whether a message was sent, and its reason."""

    decision: Verdict
    """`not-sent` makes the delivery pending again."""
    why: Why


class DeliveriesController(Controller):
    """Lists deliveries, settles those in doubt, and records reports of vendors."""

    path = "/v1/deliveries"
    tags = ("Deliveries",)

    @get("/", operation_id="listDeliveries", responses=problems(400, 422, 503))
    async def list_of_state(
        self,
        use_cases: Wired[UseCases],
        state_: Annotated[DeliveryState, QueryParameter(name="state")] = DeliveryState.UNDECIDED,
        channel: FromQuery[Channel | None] = None,
        since: Annotated[Moment | None, QueryParameter(name="from", description="Due at this moment or later")] = None,
        until: Annotated[Moment | None, QueryParameter(name="to", description="Due before this moment")] = None,
        after: Annotated[Cursor | None, QueryParameter(description="`next` of the previous page")] = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> DeliveryPage:
        """List the deliveries of one state, the longest due first; `undecided` ones need a decision."""
        search = DeliveryFilter(state=state_, channel=channel, due=period(since, until))
        return await use_cases.notifications.list_deliveries(search, after, limit)

    @post(
        "/{delivery:str}/settlement",
        operation_id="settleDelivery",
        status_code=200,
        before_request=json_only,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def settle(
        self, delivery: FromPath[str], data: JSONBody[SettlementBody], use_cases: Wired[UseCases]
    ) -> DeliverySummary:
        """Decide whether an unknown or undecided delivery was sent; a second decision is refused."""
        settlement = Settlement(verdict=data.decision, who=current_principal.get().subject, why=data.why)
        return await use_cases.notifications.settle_delivery(delivery, settlement)

    @post(
        "/{delivery:str}/reports/twilio",
        operation_id="recordTwilioReport",
        open_to_all=True,
        status_code=204,
        before_request=form_only,
        opt={"body": FORM, FOREIGN_QUERY: True},
        request_max_body_size=MAX_FORM_BYTES,
        responses=problems(400, 403, 404, 413, 415, 503),
    )
    async def report_of_twilio(
        self,
        request: Request[Any, Any, Any],
        delivery: FromPath[str],
        use_cases: Wired[UseCases],
        signature: Annotated[str, HeaderParameter(name="X-Twilio-Signature")] = "",
    ) -> None:
        """Record a status callback of Twilio, signed over `http.public_url`; late and repeated ones change nothing."""
        await use_cases.notifications.record_vendor_report(delivery, form_fields(await request.body()), signature)
