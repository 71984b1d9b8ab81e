"""Payments over HTTP: orders of payers, and the webhooks of gateways."""

from typing import Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, JSONBody
from prometheus_client import Counter

from core.payments.order import PaidPart
from core.payments.pay_exam_fee import OpenedPayment
from core.payments.show_payments import FeePayments
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.idempotency import IDEMPOTENCY_KEY, Idempotency
from entrypoints.http.media_types import json_only, json_or_nothing
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import FOREIGN_QUERY

WEBHOOKS = Counter(
    "bursar_webhooks", "Webhooks of payment gateways that were stored, or were stored before", ["gateway"]
)
MAX_WEBHOOK_BYTES = 256_000
SIGNATURES = {
    "webhook-id": "The id of the event, of Standard Webhooks: the sandbox",
    "webhook-timestamp": "The moment of the signature, of Standard Webhooks",
    "webhook-signature": "The signatures, of Standard Webhooks",
    "Stripe-Signature": "The moment and the signatures, of Stripe",
    "X-Razorpay-Signature": "The signature, of Razorpay",
    "X-Razorpay-Event-Id": "The id of the event, of Razorpay",
}
"""What a gateway signs with; each sends its own."""
WEBHOOK = {"application/json": {"schema": {"type": "object"}}}


class PaymentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of the fee is paid; the amount is the office's to name."""

    pay: PaidPart = PaidPart.DUE
    """`due`: the overdue instalments with their fines, or else the next one; `all`: everything that is owed."""


WHAT_IS_DUE = PaymentBody()


class PaymentsController(Controller):
    """Pay exam fees."""

    path = "/v1"
    tags = ("Payments",)

    @post(
        "/exam-fees/{name:str}/payments",
        operation_id="payExamFee",
        rate_limit="submissions",
        before_request=json_or_nothing,
        sent_headers=(IDEMPOTENCY_KEY,),
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def pay(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        use_cases: Wired[UseCases],
        idempotency: Wired[Idempotency],
        data: JSONBody[PaymentBody] = WHAT_IS_DUE,
    ) -> Response[OpenedPayment]:
        """Open a payment over what is due, or all that is owed, with the page of the gateway as its `checkout`."""
        context = await idempotency.context(request)
        return await idempotency.respond(context, use_cases.payments.pay_exam_fee(name, context, data.pay))

    @get("/exam-fees/{name:str}/payments", operation_id="showPayments", responses=problems(400, 404, 503))
    async def show(self, name: FromPath[str], use_cases: Wired[UseCases]) -> FeePayments:
        """Show what a fee costs, what was paid, and what is owed; `pending` means: do not pay again."""
        return await use_cases.payments.show_payments(name)

    @post(
        "/payments/webhooks/{gateway:str}",
        operation_id="receiveWebhook",
        open_to_all=True,
        status_code=204,
        before_request=json_only,
        opt={"body": WEBHOOK, "signatures": SIGNATURES, FOREIGN_QUERY: True},
        request_max_body_size=MAX_WEBHOOK_BYTES,
        responses=problems(400, 403, 404, 413, 415, 503),
    )
    async def webhook(
        self, request: Request[Any, Any, Any], gateway: FromPath[str], use_cases: Wired[UseCases]
    ) -> None:
        """Store a webhook of a payment gateway, which signed these bytes; a repeated one changes nothing."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        await use_cases.payments.receive_webhook(gateway, headers, await request.body())
        WEBHOOKS.labels(gateway).inc()
