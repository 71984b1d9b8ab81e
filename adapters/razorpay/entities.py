"""Razorpay's entities as what the office knows (https://razorpay.com/docs/api/)."""

from collections.abc import Mapping
from typing import Any

from adapters.gateway_answers import moment, office_id
from core.kernel.money import Money
from core.payments.gateway import ChargebackReported, GatewayPayment, GatewayRefund, PaymentState, RefundState

STATE_BY_PAYMENT = {
    "created": PaymentState.STARTED,
    "authorized": PaymentState.AUTHORISED,
    "captured": PaymentState.CAPTURED,
    "refunded": PaymentState.CAPTURED,
    "failed": PaymentState.DECLINED,
}
STATE_BY_REFUND = {
    "pending": RefundState.PENDING,
    "processed": RefundState.REFUNDED,
    "failed": RefundState.REFUSED,
}
Entity = Mapping[str, Any]


def payment_of(payment: Entity) -> GatewayPayment:
    """Return a payment; Razorpay tells when it was begun, and not when it was captured."""
    return GatewayPayment(
        id=payment["id"],
        state=STATE_BY_PAYMENT[payment["status"]],
        amount=amount_of(payment),
        at=moment(payment["created_at"]),
        method=str(payment.get("method") or ""),
    )


def refund_of(refund: Entity) -> GatewayRefund:
    """Return a refund; its receipt is the office's id."""
    return GatewayRefund(
        refund=office_id(refund.get("receipt")),
        id=refund["id"],
        payment=refund["payment_id"],
        state=STATE_BY_REFUND[refund["status"]],
        amount=amount_of(refund),
        at=moment(refund["created_at"]),
    )


def chargeback_of(dispute: Entity, at: int) -> ChargebackReported | None:
    """Return a dispute, None while nothing is deducted for it: Razorpay deducts when it is lost, seldom before."""
    won = dispute["status"] == "won"
    if not won and dispute["status"] != "lost" and not dispute.get("amount_deducted"):
        return None
    return ChargebackReported(
        payment=dispute["payment_id"],
        chargeback=dispute["id"],
        amount=Money(dispute.get("amount_deducted") or dispute["amount"], dispute["currency"]),
        at=moment(at),
        won=won,
    )


def amount_of(entity: Entity) -> Money:
    """Return the amount of an entity, which is in minor units of ISO 4217."""
    return Money(entity["amount"], entity["currency"])
