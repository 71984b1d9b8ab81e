"""Stripe's objects as what the office knows.

A payment's id is that of its PaymentIntent: every event names the intent (a Checkout Session and its events name no
charge), and of one intent at most one charge is ever captured.
"""

from collections.abc import Mapping
from typing import Any

from adapters.gateway_answers import moment, office_id
from adapters.stripe.amounts import from_stripe
from core.payments.gateway import ChargebackReported, GatewayPayment, GatewayRefund, PaymentState, RefundState

STATE_BY_INTENT = {
    "succeeded": PaymentState.CAPTURED,
    "requires_capture": PaymentState.AUTHORISED,
    "processing": PaymentState.AUTHORISED,
    "canceled": PaymentState.DECLINED,
}
STATE_BY_REFUND = {
    "succeeded": RefundState.REFUNDED,
    "failed": RefundState.REFUSED,
    "canceled": RefundState.REFUSED,
}
"""Any other status, `pending` or `requires_action`, may still become one of these."""
TAKEN = frozenset({"needs_response", "under_review", "lost"})
"""The disputes for which Stripe has withdrawn the amount; an inquiry, `warning_…`, withdraws nothing."""
Object = Mapping[str, Any]


def payment_of_intent(intent: Object, at: int | None = None) -> GatewayPayment:
    """Return the payment of a PaymentIntent, whose charge may be expanded; `at` is when it came to this state."""
    told = intent.get("latest_charge")
    charge: Object = told if isinstance(told, dict) else {}
    state = STATE_BY_INTENT.get(str(intent["status"]))
    if state is None:  # it waits for the payer, or for another try after a failed one
        state = PaymentState.DECLINED if intent.get("last_payment_error") else PaymentState.STARTED
    captured = state is PaymentState.CAPTURED
    return GatewayPayment(
        id=intent["id"],
        state=state,
        amount=from_stripe(intent["amount_received" if captured else "amount"], intent["currency"]),
        at=moment(charge.get("created") or at or intent["created"]),
        method=method_of(charge),
    )


def payment_of_charge(charge: Object) -> GatewayPayment:
    """Return the payment of one attempt of an intent."""
    state, amount = PaymentState.DECLINED, charge["amount"]
    if charge["status"] == "succeeded" and charge["captured"]:
        state, amount = PaymentState.CAPTURED, charge.get("amount_captured") or charge["amount"]
    elif charge["status"] != "failed":
        state = PaymentState.AUTHORISED
    return GatewayPayment(
        id=charge["payment_intent"],
        state=state,
        amount=from_stripe(amount, charge["currency"]),
        at=moment(charge["created"]),
        method=method_of(charge),
    )


def payment_of_session(session: Object, kind: str, at: int) -> GatewayPayment:
    """Return the payment of a Checkout Session that is complete, or whose delayed payment failed."""
    state = PaymentState.AUTHORISED  # complete and unpaid: a bank debit that takes days
    if session["payment_status"] == "paid":
        state = PaymentState.CAPTURED
    elif kind.endswith("async_payment_failed"):
        state = PaymentState.DECLINED
    return GatewayPayment(
        id=session["payment_intent"],
        state=state,
        amount=from_stripe(session["amount_total"], session["currency"]),
        at=moment(at),
    )


def refund_of(refund: Object) -> GatewayRefund:
    """Return a refund."""
    return GatewayRefund(
        refund=office_id((refund.get("metadata") or {}).get("refund")),
        id=refund["id"],
        payment=refund["payment_intent"],
        state=STATE_BY_REFUND.get(str(refund["status"]), RefundState.PENDING),
        amount=from_stripe(refund["amount"], refund["currency"]),
        at=moment(refund["created"]),
    )


def chargeback_of(dispute: Object, at: int) -> ChargebackReported | None:
    """Return a dispute, None while nothing was withdrawn for it."""
    won = dispute["status"] == "won"
    if not won and dispute["status"] not in TAKEN:
        return None
    return ChargebackReported(
        payment=dispute["payment_intent"],
        chargeback=dispute["id"],
        amount=from_stripe(dispute["amount"], dispute["currency"]),
        at=moment(at if won else dispute["created"]),
        won=won,
    )


def method_of(charge: Object) -> str:
    """Return the word for how a charge is paid, empty if unknown."""
    return str((charge.get("payment_method_details") or {}).get("type") or "")
