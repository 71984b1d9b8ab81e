"""Pay out a refund at the counter."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.payments.named_fee import reachable_fee
from core.payments.payment import COUNTER, RefundStage
from core.payments.ports import DeskRecords, FeeNames, NewPaymentsUnitOfWork
from core.payments.refund_list import RefundSummary
from core.payments.settle_refund import settle, submission_of


@requires(Permission.PAYMENTS_TAKE)
@dataclass(frozen=True, slots=True)
class PayOutRefund:
    """Say that a refund of a counter payment was paid out."""

    ACTION: ClassVar = "pay-out-refund"

    new_work: NewPaymentsUnitOfWork
    names: FeeNames
    desk: DeskRecords
    clock: Clock

    async def __call__(self, refund: UUID) -> RefundSummary:
        """Return the refund; raise `UnknownRefund`, or `RefundNotInDoubt` for one that a gateway pays."""
        submission = await submission_of(self.desk, refund)
        await reachable_fee(self.names, str(submission))
        async with self.new_work() as work:
            settled = await settle(work, submission, refund, RefundStage.SETTLED, self.clock.now(), only=COUNTER)
            work.audit(Deed(action=self.ACTION, target=f"refund/{refund}", after=settled.amount))
            await work.commit()
        return settled
