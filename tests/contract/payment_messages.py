"""Messages of the payments context."""

from typing import Any
from uuid import UUID

from adapters.encoding import message_from_event
from core.kernel.money import Money
from core.messaging.message import Message
from core.payments.events import PaymentCaptured, PaymentReversed
from tests.examples import NOON, ids


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


def reversal(of: UUID) -> Message:
    told: dict[str, Any] = {"fee": ids.new(), "reference": "BF-1", "student": ids.new(), "schedule": "neet-ug-2027"}
    event = PaymentReversed(
        at=NOON,
        subject=ids.new(),
        version=2,
        refund=ids.new(),
        payment=of,
        gateway="sandbox",
        amount=Money(150_000, "INR"),
        cause="chargeback",
        **told,
    )
    return message_from_event(event, ids.new())
