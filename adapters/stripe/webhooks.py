"""Stripe's webhooks (https://docs.stripe.com/webhooks#verify-manually, https://docs.stripe.com/api/events/types)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.gateway_answers import office_id
from adapters.stripe.objects import (
    chargeback_of,
    payment_of_charge,
    payment_of_intent,
    payment_of_session,
    refund_of,
)
from adapters.webhook_signatures import check_age, check_signature, json_object, sha256_mac
from core.kernel.errors import Invalid
from core.payments.gateway import (
    GatewayPayment,
    GatewayReport,
    GatewayWebhooks,
    PaymentReported,
    RefundReported,
)

SESSION_EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
)


class StripeWebhooks(GatewayWebhooks):
    """Events of one endpoint."""

    def __init__(self, *, webhook_secrets: Sequence[str]) -> None:
        """Accept a signature with any of the secrets: while they are rotated, two are valid."""
        self._keys = [secret.encode() for secret in webhook_secrets if secret]

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        given = [each.partition("=") for each in headers.get("stripe-signature", "").split(",")]
        moment = next((value for name, _, value in given if name.strip() == "t"), "")
        valid = [sha256_mac(key, f"{moment}.".encode() + body).hex().encode() for key in self._keys]
        check_signature(valid, [value.encode() for name, _, value in given if name.strip() == "v1"], "Stripe")
        check_age(moment, now)
        event = json_object(body).get("id")
        if not isinstance(event, str) or not event:
            raise Invalid("a webhook of Stripe has an id")
        return event

    def read(self, body: bytes) -> Sequence[GatewayReport]:
        event = json_object(body)
        try:
            return reports_of(str(event["type"]), event["data"]["object"], event["created"])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise Invalid(f"an event of Stripe is not understood: {error!r:.80}") from error


def reports_of(kind: str, told: Mapping[str, Any], at: int) -> Sequence[GatewayReport]:
    """Return what an event tells; nothing about payments that another program of the account collects."""
    reports: list[GatewayReport] = []
    match told["object"]:
        case "checkout.session" if kind in SESSION_EVENTS and told.get("payment_intent"):
            if told["payment_status"] != "no_payment_required":
                reports += payment_report(told, payment_of_session(told, kind, at), str(told["id"]))
        case "payment_intent":
            reports += payment_report(told, payment_of_intent(told, at))
        case "charge" if told.get("payment_intent"):
            reports += payment_report(told, payment_of_charge(told))
            # Before its version of 2022-11-15 Stripe tells refunds here.
            refunds = (told.get("refunds") or {}).get("data") or []
            reports += [RefundReported(refund=refund_of(each)) for each in refunds]
        case "refund" if told.get("payment_intent"):
            reports.append(RefundReported(refund=refund_of(told)))
        case "dispute" if told.get("payment_intent"):
            chargeback = chargeback_of(told, at)
            reports += [chargeback] if chargeback else []
    return reports


def payment_report(told: Mapping[str, Any], payment: GatewayPayment, session: str = "") -> Sequence[PaymentReported]:
    """Return the report of a payment whose metadata name an order; a charge has those of its intent.

    The client_reference_id of a session names none: on a payment link the browser of the payer writes it.
    """
    order = office_id((told.get("metadata") or {}).get("order"))
    return [PaymentReported(order=order, gateway_order=session, payment=payment)] if order else []
