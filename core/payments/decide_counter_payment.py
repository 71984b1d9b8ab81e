"""Decide about a counter payment above the limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, current_principal, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.payments.counter_payment import CounterReceipt, CounterState
from core.payments.errors import UnknownCounterPayment
from core.payments.order import OrderState
from core.payments.ports import NewPaymentsUnitOfWork


class CounterDecision(StrEnum):
    """The two possible decisions."""

    APPROVE = "approve"
    REFUSE = "refuse"


STATES: Mapping[CounterDecision, CounterState] = {
    CounterDecision.APPROVE: CounterState.TAKEN,
    CounterDecision.REFUSE: CounterState.REFUSED,
}


@requires(Permission.PAYMENTS_APPROVE)
@dataclass(frozen=True, slots=True)
class DecideCounterPayment:
    """Approve or refuse, as another person than the one who took it."""

    ACTION: ClassVar = "decide-counter-payment"

    new_work: NewPaymentsUnitOfWork
    clock: Clock

    async def __call__(self, counter_payment: UUID, decision: CounterDecision, why: str) -> CounterReceipt:
        """Return what became of it; raise `UnknownCounterPayment`, `AlreadyDecided` or `SamePerson`."""
        decided = Decision(who=current_principal.get().subject, why=why)
        async with self.new_work() as work:
            taken = await work.counter_payments.lock(counter_payment)
            if taken is None:
                raise UnknownCounterPayment(f"there is no counter payment {counter_payment}")
            before = taken.state
            taken.decide(STATES[decision], decided)
            account = (await work.accounts.lock([taken.submission]))[taken.submission]
            if decision is CounterDecision.APPROVE:
                account.capture(taken.payment(), self.clock.now())
            else:
                account.order(taken.id).moves_to(OrderState.DECLINED)
            work.accounts.save(account)
            work.counter_payments.save(taken)
            work.record(*account.events)
            target = f"counter-payment/{taken.id}"
            work.audit(Deed(action=self.ACTION, target=target, before=before, after=taken.state, reason=why))
            await work.commit()
        return CounterReceipt.of(taken)
