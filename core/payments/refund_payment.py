"""Refund a payment."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Decision, Why
from core.kernel.idempotency import RequestContext
from core.kernel.ids import Ids
from core.kernel.money import Money
from core.payments.errors import WrongCurrency
from core.payments.named_fee import owner_of
from core.payments.payment import COUNTER, Refund, RefundCause
from core.payments.ports import NewPaymentsUnitOfWork, PaymentRecords
from core.payments.refund_list import RefundSummary, summary_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """What an officer gives back."""

    amount: Money
    why: Why


@requires(Permission.REFUNDS_WRITE)
@dataclass(frozen=True, slots=True)
class RefundPayment:
    """Promise an amount of a payment; its gateway is asked next, and of a counter payment a clerk pays it out."""

    ACTION: ClassVar = "refund-payment"

    new_work: NewPaymentsUnitOfWork
    records: PaymentRecords
    clock: Clock
    ids: Ids

    async def __call__(self, payment: UUID, order: RefundOrder, request: RequestContext) -> RefundSummary:
        """Return the refund; raise `UnknownPayment`, `WrongCurrency`, or `NotRefundable` beyond what is left."""
        decision = Decision.of_caller(order.why)
        submission, now = await owner_of(self.records, payment), self.clock.now()
        async with self.new_work() as work:
            account = (await work.accounts.lock([submission]))[submission]
            paid = account.payment(payment)
            if order.amount.currency != paid.amount.currency:
                raise WrongCurrency(f"the payment is in {paid.amount.currency}", at="$.amount.currency")
            refund = Refund(
                id=self.ids.new(),
                amount=order.amount,
                cause=RefundCause.DECISION,
                reason=decision.why,
                reserved_at=now,
                check_at=None if paid.gateway == COUNTER else now,
            )
            account.reserve_refund(paid, refund, now)
            summary = summary_of(account, paid, refund)
            work.accounts.save(account)
            work.record(*account.events)
            work.record_answer(request, summary)
            work.audit(Deed(action=self.ACTION, target=f"refund/{refund.id}", after=summary, reason=decision.why))
            await work.commit()
        return summary
