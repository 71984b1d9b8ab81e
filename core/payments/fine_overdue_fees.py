"""Fine overdue fees, and remind their payers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.payments.fee_account import FeeAccount
from core.payments.ports import DueFees, DueStep, NewPaymentsUnitOfWork

FEES_PER_TRANSACTION = 100


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class FineOverdueFees:
    """Charge the fines that became due: each rule once a day, however many processes do it and whenever one ends."""

    new_work: NewPaymentsUnitOfWork
    due_fees: DueFees
    clock: Clock

    async def __call__(self) -> int:
        """Return how many fines were charged; a fee that waits for a payment is looked at again by the next run."""
        return await take_steps(self, DueStep.FINE, FeeAccount.fine)


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class RemindPayers:
    """Tell who is to be reminded of a payment, before and after its deadline, each reason once for a fee."""

    new_work: NewPaymentsUnitOfWork
    due_fees: DueFees
    clock: Clock

    async def __call__(self) -> int:
        """Return how many payers are to be reminded."""
        return await take_steps(self, DueStep.REMINDER, FeeAccount.remind)


async def take_steps(
    use_case: FineOverdueFees | RemindPayers, step: DueStep, take: Callable[[FeeAccount, datetime], int]
) -> int:
    """Take a step of every fee for which it is due; return how many were taken."""
    now, after, taken = use_case.clock.now(), None, 0
    while found := await use_case.due_fees.page(step, now, after, FEES_PER_TRANSACTION):
        after = found[-1]
        async with use_case.new_work() as work:
            # The state under the lock counts: a fee may be paid, or another process be faster, meanwhile.
            for account in (await work.accounts.lock([each.submission for each in found])).values():
                taken += take(account, now)
                work.accounts.save(account)
                work.record(*account.events)
            await work.commit()
    return taken
