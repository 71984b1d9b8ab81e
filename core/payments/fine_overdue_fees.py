"""Fine overdue fees."""

from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.payments.due_steps import take_steps
from core.payments.fee_account import FeeAccount
from core.payments.ports import DueFees, DueStep, NewPaymentsUnitOfWork


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class FineOverdueFees:
    """Charge the fines that became due: each rule once a day, however many processes do it and whenever one ends."""

    new_work: NewPaymentsUnitOfWork
    due_fees: DueFees
    clock: Clock

    async def __call__(self) -> int:
        """Return how many fines were charged; a fee that waits for a payment is looked at again by the next run."""
        return await take_steps(self.new_work, self.due_fees, DueStep.FINE, self.clock.now(), FeeAccount.fine)
