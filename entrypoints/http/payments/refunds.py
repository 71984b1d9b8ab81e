"""Refunds over HTTP."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.kernel.decisions import Why
from core.payments.payment import RefundStage
from core.payments.refund_list import RefundPage, RefundSummary
from core.payments.refund_payment import RefundOrder
from core.payments.settle_refund import RefundVerdict
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.idempotency import IDEMPOTENCY_KEY, Idempotency
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit


class RefundSettlementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision of the caller whether a refund was given back, and its reason."""

    decision: RefundVerdict
    """`not-refunded` releases the amount, which can be refunded again."""
    why: Why


class RefundsController(Controller):
    """Refunds payments, and settles refunds of which no gateway knows."""

    path = "/v1"
    tags = ("Payments",)

    @post(
        "/payments/{payment:uuid}/refunds",
        operation_id="refundPayment",
        before_request=json_only,
        sent_headers=(IDEMPOTENCY_KEY,),
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def refund(
        self,
        request: Request[Any, Any, Any],
        payment: FromPath[UUID],
        data: JSONBody[RefundOrder],
        use_cases: Wired[UseCases],
        idempotency: Wired[Idempotency],
    ) -> Response[RefundSummary]:
        """Promise an amount of a payment; its gateway is asked next, and of a counter payment a clerk pays it out."""
        context = await idempotency.context(request)
        return await idempotency.respond(context, use_cases.payments.refund_payment(payment, data, context))

    @get("/refunds", operation_id="listRefunds", responses=problems(400, 503))
    async def list_of_stage(
        self,
        use_cases: Wired[UseCases],
        stage: Annotated[RefundStage, QueryParameter(description="`unknown` ones need a decision")] = (
            RefundStage.UNKNOWN
        ),
        after: Annotated[UUID | None, QueryParameter(description="`next` of the previous page")] = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> RefundPage:
        """List the refunds of one stage, in the order of their ids."""
        return await use_cases.payments.list_refunds(stage, after, limit)

    @post(
        "/refunds/{refund:uuid}/settlement",
        operation_id="settleRefund",
        status_code=200,
        before_request=json_only,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def settle(
        self, refund: FromPath[UUID], data: JSONBody[RefundSettlementBody], use_cases: Wired[UseCases]
    ) -> RefundSummary:
        """Decide whether an unknown refund, or one at the counter, was given back; a second decision is refused."""
        return await use_cases.payments.settle_refund(refund, data.decision, data.why)

    @post(
        "/refunds/{refund:uuid}/payout",
        operation_id="payOutRefund",
        status_code=200,
        responses=problems(400, 404, 409, 503),
    )
    async def pay_out(self, refund: FromPath[UUID], use_cases: Wired[UseCases]) -> RefundSummary:
        """Record that the refund of a counter payment was paid out."""
        return await use_cases.payments.pay_out_refund(refund)
