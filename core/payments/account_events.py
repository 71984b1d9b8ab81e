"""What the events of a fee account tell."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from core.kernel.events import Event
from core.payments.events import PaymentRestored, PaymentReversed, RefundReleased, RefundSettled
from core.payments.fine import Fine
from core.payments.payment import PAYMENTS, TAKEN_BACK, Payment, Refund, RefundStage


def account_id(submission: UUID) -> UUID:
    """Return the id under which an account numbers its events; those of the submission have numbers of their own."""
    return uuid5(PAYMENTS, str(submission))


def event_of(refund: Refund, before: RefundStage | None) -> type[Event] | None:
    """Return the event of a refund that has left a stage; None if nothing changed that another context knows."""
    if refund.stage is RefundStage.SETTLED:
        return PaymentReversed if refund.cause in TAKEN_BACK else RefundSettled
    if refund.stage is RefundStage.RELEASED and before is not None:
        return PaymentRestored if before is RefundStage.SETTLED else RefundReleased
    return None


def told_of_payment(payment: Payment) -> dict[str, Any]:
    """Return what is told of a payment."""
    return {
        "payment": payment.id,
        "gateway": payment.gateway,
        "gateway_payment": payment.gateway_payment,
        "method": payment.method,
        "amount": payment.amount,
        "paid_at": payment.paid_at,
        "late": payment.late,
    }


def told_of_refund(payment: Payment, refund: Refund) -> dict[str, Any]:
    """Return what is told of a refund."""
    return {
        "refund": refund.id,
        "payment": payment.id,
        "gateway": payment.gateway,
        "amount": refund.amount,
        "cause": str(refund.cause),
    }


def more_of(kind: type[Event], payment: Payment) -> Mapping[str, Any]:
    """Return what receipts need to know of a payment that was taken back or restored."""
    if kind is PaymentReversed:
        taken_back = [each for each in payment.refunds if each.cause in TAKEN_BACK]
        return {"restored": tuple(each.id for each in taken_back if each.stage is RefundStage.RELEASED)}
    return {"method": payment.method} if kind is PaymentRestored else {}


def told_of_fine(fine: Fine) -> dict[str, Any]:
    """Return what is told of a fine."""
    return {
        "fine": fine.id,
        "rule": fine.rule,
        "schedule_version": fine.version,
        "day": fine.day,
        "head": fine.head,
        "amount": fine.amount,
        "instalment": fine.instalment,
    }
