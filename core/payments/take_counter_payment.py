"""Take a payment at the counter."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, current_principal, requires
from core.kernel.clock import Clock
from core.kernel.idempotency import RequestContext
from core.kernel.ids import Ids
from core.payments.counter_payment import (
    CounterDeposit,
    CounterMethod,
    CounterPayment,
    CounterReceipt,
    CounterState,
)
from core.payments.errors import NothingOwed, WrongCurrency
from core.payments.fee_account import FeeAccount
from core.payments.named_fee import reachable_fee
from core.payments.order import UNDER_WAY
from core.payments.payment import COUNTER
from core.payments.ports import FeeNames, NamedFee, NewPaymentsUnitOfWork


@requires(Permission.PAYMENTS_TAKE)
@dataclass(frozen=True, slots=True)
class TakeCounterPayment:
    """Take money for a fee; above the limit, or dated back too far, it counts when a second person has approved it."""

    ACTION: ClassVar = "take-counter-payment"

    new_work: NewPaymentsUnitOfWork
    names: FeeNames
    clock: Clock
    ids: Ids
    counter_limit_minor: int
    counter_backdating: timedelta
    """Of payments that need no second person."""

    async def __call__(self, fee: str, deposit: CounterDeposit, request: RequestContext) -> CounterReceipt:
        """Return what became of it; while it waits, the fee is pending.

        Raises `UnknownFee`, `WrongCurrency`, `DocumentUsed`, `Unprocessable` for an impossible `paid_at`, and
        `NothingOwed` for cash, which is handed back.
        """
        named = await reachable_fee(self.names, fee)
        taken = self._taken(named, deposit, request)
        async with self.new_work() as work:
            account = (await work.accounts.lock([taken.submission]))[taken.submission]
            account.fine(taken.paid_at)
            check_deposit(account, deposit)
            warning = warning_about(account)
            if taken.state is CounterState.WAITING:
                account.orders.append(taken.waiting_order())
            else:
                account.capture(taken.payment(), self.clock.now())
            receipt = CounterReceipt.of(taken, warning)
            work.accounts.save(account)
            work.counter_payments.add(taken)
            work.record(*account.events)
            work.record_answer(request, receipt)
            work.audit(Deed(action=self.ACTION, target=f"counter-payment/{taken.id}", after=receipt))
            await work.commit()
        return receipt

    def _taken(self, named: NamedFee, deposit: CounterDeposit, request: RequestContext) -> CounterPayment:
        request_id, now = self.ids.new(), self.clock.now()
        paid_at = deposit.moment(request.arrived, named.submitted, now)
        waits = deposit.amount.minor > self.counter_limit_minor or paid_at < now - self.counter_backdating
        return CounterPayment(
            id=request_id,
            submission=named.submission,
            method=deposit.method,
            number=deposit.number(request_id),
            amount=deposit.amount,
            paid_at=paid_at,
            taken_by=current_principal.get().subject,
            taken_at=now,
            state=CounterState.WAITING if waits else CounterState.TAKEN,
        )


def check_deposit(account: FeeAccount, deposit: CounterDeposit) -> None:
    """Raise `WrongCurrency`, or `NothingOwed` for cash; what a bank has received already is taken, and goes back."""
    if deposit.amount.currency != account.charged.currency:
        raise WrongCurrency(f"the fee {account.reference} is in {account.charged.currency}", at="$.amount.currency")
    if deposit.method is CounterMethod.CASH and account.owed.minor <= 0:
        raise NothingOwed(f"the fee {account.reference} is paid: hand the cash back")


def warning_about(account: FeeAccount) -> str:
    """Return what the payer is to know of another payment that is under way; a payer at the counter is not sent away.

    No gateway can be told to close its page.  What arrives there beyond the due amount goes back by a refund.
    """
    for order in account.orders:
        if order.state in UNDER_WAY and not order.is_unseen:
            where = "at the counter" if order.gateway == COUNTER else f"by {order.gateway}"
            return f"another payment {where} is {order.state}: if it arrives as well, what is too much goes back"
    return ""
