"""Razorpay's webhooks (https://razorpay.com/docs/webhooks/validate-test, https://razorpay.com/docs/webhooks/payloads/)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from adapters.gateway_answers import office_id
from adapters.razorpay.entities import chargeback_of, payment_of, refund_of
from adapters.webhook_signatures import check_signature, json_object, sha256_mac
from core.kernel.errors import Invalid
from core.payments.gateway import GatewayReport, GatewayWebhooks, PaymentReported, RefundReported


class RazorpayWebhooks(GatewayWebhooks):
    """Events of one account; their time is not signed, so they are told apart by their id alone, however old."""

    def __init__(self, *, webhook_secrets: Sequence[str]) -> None:
        """Accept a signature with any of the secrets: a webhook that is repeated keeps that of the former secret."""
        self._keys = [secret.encode() for secret in webhook_secrets if secret]

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:  # noqa: ARG002 - no time is signed
        valid = [sha256_mac(key, body).hex().encode() for key in self._keys]
        check_signature(valid, [headers.get("x-razorpay-signature", "").encode()], "Razorpay")
        return headers.get("x-razorpay-event-id", "") or sha256(body).hexdigest()

    def read(self, body: bytes) -> Sequence[GatewayReport]:
        event = json_object(body)
        try:
            told = {name: each["entity"] for name, each in event["payload"].items()}
            return reports_of(str(event["event"]), told, event["created_at"])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise Invalid(f"an event of Razorpay is not understood: {error!r:.80}") from error


def reports_of(kind: str, told: Mapping[str, Mapping[str, Any]], at: int) -> Sequence[GatewayReport]:
    """Return what an event tells, by its entities; nothing about payments without an order of the office.

    The notes of a payment come from the browser of the payer and name no order; the receipt of an order does.
    """
    if kind.startswith("payment.dispute."):
        chargeback = chargeback_of(told["dispute"], at)
        return [chargeback] if chargeback else []
    if kind.startswith("refund."):
        return [RefundReported(refund=refund_of(told["refund"]))]
    payment = told.get("payment", {})
    if not kind.startswith(("payment.", "order.")) or not payment.get("order_id"):
        return []
    order = office_id(told["order"].get("receipt")) if "order" in told else None
    return [PaymentReported(order=order, gateway_order=payment["order_id"], payment=payment_of(payment))]
