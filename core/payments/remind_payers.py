"""Remind payers."""

from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.payments.due_steps import take_steps
from core.payments.fee_account import FeeAccount
from core.payments.ports import DueFees, DueStep, NewPaymentsUnitOfWork


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class RemindPayers:
    """Tell who is to be reminded of a payment, before and after its deadline, each reason once for a fee."""

    new_work: NewPaymentsUnitOfWork
    due_fees: DueFees
    clock: Clock

    async def __call__(self) -> int:
        """Return how many payers are to be reminded."""
        return await take_steps(self.new_work, self.due_fees, DueStep.REMINDER, self.clock.now(), FeeAccount.remind)
