"""Settle a refund by the word of a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.payments.errors import RefundNotInDoubt, UnknownRefund
from core.payments.fee_account import FeeAccount
from core.payments.payment import COUNTER, Payment, Refund, RefundStage
from core.payments.ports import DeskRecords, NewPaymentsUnitOfWork, PaymentsUnitOfWork
from core.payments.refund_list import RefundSummary, summary_of


class RefundVerdict(StrEnum):
    """The two possible decisions."""

    REFUNDED = "refunded"
    NOT_REFUNDED = "not-refunded"


STAGES: Mapping[RefundVerdict, RefundStage] = {
    RefundVerdict.REFUNDED: RefundStage.SETTLED,
    RefundVerdict.NOT_REFUNDED: RefundStage.RELEASED,
}


@requires(Permission.REFUNDS_WRITE)
@dataclass(frozen=True, slots=True)
class SettleRefund:
    """Say whether a refund in doubt, or one at the counter, was given back."""

    ACTION: ClassVar = "settle-refund"

    new_work: NewPaymentsUnitOfWork
    desk: DeskRecords
    clock: Clock

    async def __call__(self, refund: UUID, verdict: RefundVerdict, why: str) -> RefundSummary:
        """Return the refund; raise `UnknownRefund`, or `RefundNotInDoubt` while its gateway knows or is asked."""
        decision = Decision.of_caller(why)
        submission = await submission_of(self.desk, refund)
        async with self.new_work() as work:
            settled = await settle(work, submission, refund, STAGES[verdict], self.clock.now())
            work.audit(Deed(action=self.ACTION, target=f"refund/{refund}", after=settled.stage, reason=decision.why))
            await work.commit()
        return settled


async def submission_of(desk: DeskRecords, refund: UUID) -> UUID:
    """Return the submission of a refund; raise `UnknownRefund`."""
    if submission := await desk.submission_of_refund(refund):
        return submission
    raise UnknownRefund(f"there is no refund {refund}")


async def settle(
    work: PaymentsUnitOfWork, submission: UUID, refund: UUID, stage: RefundStage, at: datetime, only: str = ""
) -> RefundSummary:
    """Settle or release a refund as a part of a unit of work; raise `RefundNotInDoubt`."""
    account = (await work.accounts.lock([submission]))[submission]
    payment, wanted = refund_of(account, refund)
    waits = RefundStage.RESERVED if payment.gateway == COUNTER else RefundStage.UNKNOWN
    if wanted.stage is not waits or only not in ("", payment.gateway):
        raise RefundNotInDoubt(
            f"the refund {refund} by {payment.gateway} is {wanted.stage}", facts={"stage": wanted.stage}
        )
    account.record_refund(payment, wanted, stage, at)
    work.accounts.save(account)
    work.record(*account.events)
    return summary_of(account, payment, wanted)


def refund_of(account: FeeAccount, refund: UUID) -> tuple[Payment, Refund]:
    """Return a refund of an account with its payment; raise `UnknownRefund`."""
    for payment in account.payments:
        if found := payment.refund(refund):
            return payment, found
    raise UnknownRefund(f"the fee {account.reference} has no refund {refund}")
