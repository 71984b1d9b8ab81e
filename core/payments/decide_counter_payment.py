"""Decide about a counter payment above the limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Choice, Decision
from core.payments.counter_payment import CounterReceipt, CounterState
from core.payments.errors import UnknownCounterPayment
from core.payments.order import OrderState
from core.payments.ports import NewPaymentsUnitOfWork

STATES: Mapping[Choice, CounterState] = {Choice.APPROVE: CounterState.TAKEN, Choice.REFUSE: CounterState.REFUSED}


@requires(Permission.PAYMENTS_APPROVE)
@dataclass(frozen=True, slots=True)
class DecideCounterPayment:
    """Approve or refuse, as another person than the one who took it."""

    ACTION: ClassVar = "decide-counter-payment"

    new_work: NewPaymentsUnitOfWork
    clock: Clock

    async def __call__(self, counter_payment: UUID, choice: Choice, why: str) -> CounterReceipt:
        """Return what became of it; raise `UnknownCounterPayment`, `AlreadyDecided` or `SamePerson`."""
        decided = Decision.of_caller(why)
        async with self.new_work() as work:
            taken = await work.counter_payments.lock(counter_payment)
            if taken is None:
                raise UnknownCounterPayment(f"there is no counter payment {counter_payment}")
            before = taken.state
            taken.decide(STATES[choice], decided)
            account = (await work.accounts.lock([taken.submission]))[taken.submission]
            if choice is Choice.APPROVE:
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
