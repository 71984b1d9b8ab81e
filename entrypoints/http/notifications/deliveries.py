"""Deliveries over HTTP: for the person who has to decide, and for vendors that report."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Controller, Request, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from core.kernel.errors import Invalid
from core.notifications.delivery import Channel, DeliveryState
from core.notifications.delivery_list import DeliveryFilter, DeliveryPage, DeliverySummary
from core.notifications.list_deliveries import ListDeliveries
from core.notifications.record_vendor_report import RecordVendorReport
from core.notifications.settle_delivery import SettleDelivery, Settlement, Verdict
from entrypoints.http import docs
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import form_only, json_only
from entrypoints.http.operations.bulk_dead_letters import period
from entrypoints.http.problems import problems

MAX_FORM_BYTES, MAX_FORM_FIELDS = 20_000, 100


class SettlementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody knows whether a message was sent."""

    decision: Verdict
    """`not-sent` puts it back into the queue."""
    who: str
    why: str


class DeliveriesController(Controller):
    """List deliveries, settle those in doubt, hear what vendors report."""

    path = "/v1/deliveries"
    tags = ("Deliveries",)

    @get("/", responses=problems(400, 503))
    async def list_of_state(
        self,
        list_deliveries: Wired[ListDeliveries],
        state_: Annotated[DeliveryState, QueryParameter(name="state")] = DeliveryState.UNDECIDED,
        channel: FromQuery[Channel | None] = None,
        since: Annotated[datetime | None, QueryParameter(name="from", description="Due from then on")] = None,
        until: Annotated[datetime | None, QueryParameter(name="to", description="Due before then")] = None,
        after: Annotated[str | None, QueryParameter(description="`next` of the page before")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
    ) -> DeliveryPage:
        """List the deliveries of one state, the longest due first; `undecided` ones wait for a person."""
        search = DeliveryFilter(state=state_, channel=channel, due=period(since, until))
        return await list_deliveries(search, after, limit)

    @post(
        "/{delivery:str}/settlement",
        status_code=200,
        before_request=json_only,
        responses=problems(400, 404, 409, 413, 415, 503),
    )
    async def settle(
        self, delivery: FromPath[str], data: JSONBody[SettlementBody], settle_delivery: Wired[SettleDelivery]
    ) -> DeliverySummary:
        """Decide whether an unknown or undecided delivery was sent; the decision stands, a second one is refused."""
        settlement = Settlement(verdict=data.decision, who=data.who, why=data.why)
        return await settle_delivery(delivery, settlement)

    @post(
        "/{delivery:str}/reports/twilio",
        status_code=204,
        before_request=form_only,
        operation_class=docs.FormBodyOperation,
        request_max_body_size=MAX_FORM_BYTES,
        responses=problems(400, 403, 404, 413, 415, 503),
    )
    async def report_of_twilio(
        self,
        request: Request[Any, Any, Any],
        delivery: FromPath[str],
        record_vendor_report: Wired[RecordVendorReport],
        signature: Annotated[str, HeaderParameter(name="X-Twilio-Signature")] = "",
    ) -> None:
        """Take Twilio's status callback, signed over `http.public_url`; late and repeated ones change nothing."""
        await record_vendor_report(delivery, form_fields(await request.body()), signature)


def form_fields(body: bytes) -> list[tuple[str, str]]:
    """Read a form."""
    try:
        text = body.decode("ascii")
        return parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_FORM_FIELDS
        )
    except ValueError as error:
        raise Invalid("this is no form of at most a hundred fields") from error
