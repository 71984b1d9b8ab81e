"""When a payment is captured, it gets a receipt, void when its bank takes it back; what is restored gets a new one."""

from collections.abc import Sequence

from core.messaging.message import Received
from core.payments.events import PaymentCaptured, PaymentRestored, PaymentReversed
from core.payments.payment import TAKEN_BACK
from core.receipts.receipt import LONGEST_METHOD, ReceivedPayment
from core.use_cases import UseCases


async def when_payment_captured(captured: Sequence[Received[PaymentCaptured]], use_cases: UseCases) -> None:
    """Issue all receipts; a repeated event has its receipt already."""
    await use_cases.receipts.issue_receipts([received_payment(each.body) for each in captured])


async def when_payment_reversed(reversed_: Sequence[Received[PaymentReversed]], use_cases: UseCases) -> None:
    """Make the receipts void, also those of what was restored before."""
    bodies = [each.body for each in reversed_]
    causes = {receipt: each.cause for each in bodies for receipt in (each.payment, *each.restored)}
    await use_cases.receipts.void_receipts(causes)


async def when_payment_restored(restored: Sequence[Received[PaymentRestored]], use_cases: UseCases) -> None:
    """Issue receipts for what a bank had taken back, which stay void; a refund that failed has made none void."""
    bodies = [each.body for each in restored if each.body.cause in TAKEN_BACK]
    await use_cases.receipts.issue_receipts([restored_payment(each) for each in bodies])


def restored_payment(restored: PaymentRestored) -> ReceivedPayment:
    """Return what a receipt tells of an amount that is at the office again, since then."""
    return ReceivedPayment(
        payment=restored.refund,
        submission=restored.fee,
        student=restored.student,
        reference=restored.reference,
        schedule=restored.schedule,
        amount=restored.amount,
        method=restored.method[:LONGEST_METHOD],
        paid_at=restored.at,
        restores=restored.payment,
    )


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
