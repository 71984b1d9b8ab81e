"""When a corrected tariff has another price for a fee, the difference becomes a task."""

from collections.abc import Sequence

from core.fees.price_again import FeeRepriced, HeadSum
from core.messaging.message import Received
from core.payments.adjustment import HeadAmount, RepricedFee
from core.use_cases import UseCases


async def when_fee_repriced(repriced: Sequence[Received[FeeRepriced]], use_cases: UseCases) -> None:
    """Propose all adjustments; a repeated event has its task already."""
    await use_cases.payments.propose_adjustments([repriced_fee(each.body) for each in repriced])


def repriced_fee(event: FeeRepriced) -> RepricedFee:
    """Return what the account of a fee is told."""
    return RepricedFee(
        submission=event.subject,
        version=event.schedule_version,
        before=amounts(event.before),
        after=amounts(event.after),
        asked_by=event.asked_by,
        at=event.at,
    )


def amounts(sums: Sequence[HeadSum]) -> Sequence[HeadAmount]:
    """Return sums in the words of the payments context."""
    return [HeadAmount(each.head, each.amount) for each in sums]
