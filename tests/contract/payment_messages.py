"""Messages of the payments context."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from adapters.encoding import message_from_event
from core.kernel.money import Money
from core.messaging.message import Message
from core.payments.events import PaymentCaptured, PaymentRestored, PaymentReversed
from tests.examples import NOON, ids

LATER = NOON + timedelta(days=200)
"""In the next financial year."""


def captured(payment: UUID | None = None, *, message: UUID | None = None) -> Message:
    event = PaymentCaptured(
        at=NOON,
        subject=payment or ids.new(),
        version=1,
        fee=payment or ids.new(),
        reference="BF-7K3M-9QZ4-XA2B-C",
        student=payment or ids.new(),
        schedule="neet-ug-2027",
        payment=payment or ids.new(),
        gateway="sandbox",
        gateway_payment="pay_1",
        method="upi",
        amount=Money(150_000, "INR"),
        paid_at=NOON,
        late=False,
        owed=Money(0, "INR"),
    )
    return message_from_event(event, message or ids.new())


def reversal(of: UUID, refund: UUID | None = None, restored: Sequence[UUID] = ()) -> Message:
    event = PaymentReversed(refund=refund or ids.new(), restored=tuple(restored), **told_of(of))
    return message_from_event(event, ids.new())


def restoration(of: UUID, refund: UUID, cause: str = "chargeback") -> Message:
    event = PaymentRestored(refund=refund, method="upi", **(told_of(of) | {"cause": cause}))
    return message_from_event(event, ids.new())


def told_of(payment: UUID) -> dict[str, Any]:
    fee = {"fee": ids.new(), "reference": "BF-1", "student": payment, "schedule": "neet-ug-2027"}
    event = {"at": LATER, "subject": ids.new(), "version": 2, "payment": payment, "gateway": "sandbox"}
    return fee | event | {"amount": Money(150_000, "INR"), "cause": "chargeback"}
