"""When a corrected tariff changes what a fee costs, the candidate is told."""

from collections.abc import Sequence

from core.messaging.message import Received
from core.notifications.delivery import Notice, RecipientId
from core.payments.events import FeeAdjusted
from core.policies.when_fee_submitted import amount_fact, pay_by_fact
from core.use_cases import UseCases


async def when_fee_adjusted(adjusted: Sequence[Received[FeeAdjusted]], use_cases: UseCases) -> None:
    """Send a notice for each fee of another price."""
    for each in adjusted:
        if each.body.before != each.body.after:
            await use_cases.notifications.send_notice(notice(each))


def notice(adjusted: Received[FeeAdjusted]) -> Notice:
    """Return the notice to the candidate."""
    event = adjusted.body
    return Notice(
        notice=adjusted.message.id,
        about=event.fee,
        recipient=RecipientId(event.student),
        template="fee_adjusted",
        facts={
            "reference": event.reference,
            "before": amount_fact(event.before),
            "after": amount_fact(event.after),
            "owed": amount_fact(event.owed) if event.owed.minor > 0 else None,
            "back": amount_fact(-event.owed) if event.owed.minor < 0 else None,
            "pay_by": event.pay_by and pay_by_fact(event.pay_by, event.zone),
        },
    )
