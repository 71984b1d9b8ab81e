"""When a payment is captured, it gets a receipt; when its bank takes it back, the receipt is void."""

from collections.abc import Sequence

from core.messaging.message import Received
from core.payments.events import PaymentCaptured, PaymentReversed
from core.receipts.receipt import LONGEST_METHOD, ReceivedPayment
from core.use_cases import UseCases


async def when_payment_captured(captured: Sequence[Received[PaymentCaptured]], use_cases: UseCases) -> None:
    """Issue all receipts; a repeated event has its receipt already."""
    await use_cases.receipts.issue_receipts([received_payment(each.body) for each in captured])


async def when_payment_reversed(reversed_: Sequence[Received[PaymentReversed]], use_cases: UseCases) -> None:
    """Make the receipts void."""
    await use_cases.receipts.void_receipts({each.body.payment: each.body.cause for each in reversed_})


def received_payment(captured: PaymentCaptured) -> ReceivedPayment:
    """Return what a receipt tells of a payment."""
    return ReceivedPayment(
        payment=captured.payment,
        submission=captured.fee,
        student=captured.student,
        reference=captured.reference,
        schedule=captured.schedule,
        amount=captured.amount,
        method=captured.method[:LONGEST_METHOD],
        paid_at=captured.paid_at,
    )
