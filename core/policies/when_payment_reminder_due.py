"""When a payment is due soon or overdue, the candidate is reminded."""

from collections.abc import Sequence
from uuid import uuid5

from core.messaging.message import Received
from core.notifications.delivery import Notice, RecipientId
from core.notifications.rendering import INSTALMENT, OWED_FEE
from core.payments.events import PaymentReminderDue
from core.policies.when_fee_submitted import pay_by_fact
from core.use_cases import UseCases


async def when_payment_reminder_due(due: Sequence[Received[PaymentReminderDue]], use_cases: UseCases) -> None:
    """Send one notice for each reason of an instalment, however often it is told."""
    for each in due:
        await use_cases.notifications.send_notice(reminder(each.body))


def reminder(event: PaymentReminderDue) -> Notice:
    """Return the notice; what is owed is read when its words are made."""
    is_due = event.reminder.startswith("due-")
    number = "" if event.instalment == 1 else f":{event.instalment}"  # as of fees that have no instalments
    return Notice(
        notice=uuid5(event.fee, f"{event.reminder}{number}"),
        about=event.fee,
        recipient=RecipientId(event.student),
        template="payment_due" if is_due else "payment_overdue",
        expires_at=event.pay_by if is_due else None,
        facts={
            OWED_FEE: str(event.fee),
            INSTALMENT: event.instalment,
            "reference": event.reference,
            "pay_by": pay_by_fact(event.pay_by, event.zone),
        },
    )
