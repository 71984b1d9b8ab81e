"""Takes the steps that the passing of time makes due."""

from collections.abc import Callable
from datetime import datetime

from core.payments.fee_account import FeeAccount
from core.payments.ports import DueFees, DueStep, NewPaymentsUnitOfWork

FEES_PER_TRANSACTION = 100


async def take_steps(
    new_work: NewPaymentsUnitOfWork,
    due_fees: DueFees,
    step: DueStep,
    now: datetime,
    take: Callable[[FeeAccount, datetime], int],
) -> int:
    """Take a step of every fee for which it is due by now; return how many were taken."""
    after, taken = None, 0
    while found := await due_fees.page(step, now, after, FEES_PER_TRANSACTION):
        after = found[-1]
        async with new_work() as work:
            # The state under the lock counts: a fee may be paid, or another process be faster, meanwhile.
            for account in (await work.accounts.lock([each.submission for each in found])).values():
                taken += take(account, now)
                work.accounts.save(account)
                work.record(*account.events)
            await work.commit()
    return taken
