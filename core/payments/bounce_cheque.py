"""Return a cheque that its bank did not pay."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID, uuid5

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.payments.counter_payment import CounterMethod
from core.payments.errors import AlreadyDecided, NotACheque
from core.payments.named_fee import owner_of
from core.payments.payment import COUNTER, Refund, RefundCause, RefundStage
from core.payments.ports import NewPaymentsUnitOfWork, PaymentRecords
from core.payments.show_payments import PaymentView, payment_view


@requires(Permission.PAYMENTS_APPROVE)
@dataclass(frozen=True, slots=True)
class BounceCheque:
    """Reverse the payment of a cheque: its amount is owed again, and what would have gone back does not."""

    ACTION: ClassVar = "bounce-cheque"

    new_work: NewPaymentsUnitOfWork
    records: PaymentRecords
    clock: Clock

    async def __call__(self, payment: UUID, why: str) -> PaymentView:
        """Return the payment; raise `UnknownPayment`, `NotACheque` or `AlreadyDecided`."""
        decision = Decision.of_caller(why)
        submission, now = await owner_of(self.records, payment), self.clock.now()
        async with self.new_work() as work:
            account = (await work.accounts.lock([submission]))[submission]
            cheque = account.payment(payment)
            if (cheque.gateway, cheque.method) != (COUNTER, CounterMethod.CHEQUE):
                raise NotACheque(f"the payment {payment} is no cheque")
            bounced = Refund(
                id=uuid5(payment, "bounced"),
                amount=cheque.amount,
                cause=RefundCause.BOUNCED,
                reason=decision.why,
                reserved_at=now,
                check_at=None,
            )
            if cheque.refund(bounced.id):
                raise AlreadyDecided(f"the cheque of the payment {payment} has bounced before")
            account.record_refund(cheque, bounced, RefundStage.SETTLED, now)
            for refund in [each for each in cheque.refunds if each.stage is RefundStage.RESERVED]:
                account.record_refund(cheque, refund, RefundStage.RELEASED, now)
            work.accounts.save(account)
            work.record(*account.events)
            work.audit(Deed(action=self.ACTION, target=f"payment/{payment}", after=cheque.amount, reason=why))
            await work.commit()
        return payment_view(cheque)
