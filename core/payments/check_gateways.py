"""Ask gateways what became of orders, and for the refunds that are reserved."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.errors import CoreError, Unavailable
from core.kernel.vendor_errors import OutcomeUnknown, Rejected
from core.payments.fee_account import FeeAccount
from core.payments.gateway import GatewayPayment, GatewayRefund, PaymentGateway, PlacedOrder, RefundRequest
from core.payments.gateway_reports import apply_payments, apply_refund
from core.payments.order import OrderState, OrderTerms, PaymentOrder
from core.payments.payment import COUNTER, Payment, Refund, RefundStage
from core.payments.ports import DueCheck, NewPaymentsUnitOfWork, PaymentRecords

CHECKS_PER_RUN, CONCURRENT_CALLS = 200, 8
MIN_INTERVAL, MAX_INTERVAL = timedelta(minutes=1), timedelta(hours=1)
Question = PlacedOrder | RefundRequest
Told = Sequence[GatewayPayment] | GatewayRefund | CoreError


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class CheckGateways:
    """Finds payments whose webhooks never came, and brings every reserved refund to its end."""

    new_work: NewPaymentsUnitOfWork
    records: PaymentRecords
    gateways: Mapping[str, PaymentGateway]
    terms: OrderTerms
    lease: timedelta
    """Longer than all calls for one question; after it another process asks."""
    clock: Clock

    async def __call__(self) -> int:
        """Return how many orders and refunds were due; a gateway that is down postpones its own."""
        due = await self.records.due_checks(self.clock.now(), CHECKS_PER_RUN)
        for begin in range(0, len(due), CONCURRENT_CALLS):
            await asyncio.gather(*[self._check(each) for each in due[begin : begin + CONCURRENT_CALLS]])
        return len(due)

    async def _check(self, check: DueCheck) -> None:
        if (claimed := await self._claim(check)) is None:
            return
        gateway, question, first = claimed
        try:
            told = await self._ask(gateway, question, first=first)
        except (Unavailable, OutcomeUnknown, Rejected) as error:
            told = error
        async with self.new_work() as work:
            account = (await work.accounts.lock([check.submission]))[check.submission]
            order, refund = find(account, check)
            if order:
                record_order(account, order, told, self.clock.now())
                order.check_at = self.terms.next_check(order, self.clock.now())
            elif refund:
                record_refund(account, *refund, told, self.clock.now())
            work.accounts.save(account)
            work.record(*account.events)
            await work.commit()

    async def _claim(self, check: DueCheck) -> tuple[str, Question, bool] | None:
        """Postpone the check, so that no other process makes it; return the gateway, what to ask, and if it is new."""
        now = self.clock.now()
        async with self.new_work() as work:
            account = (await work.accounts.lock([check.submission]))[check.submission]
            order, refund = find(account, check)
            subject = order or (refund and refund[1])
            if subject is None or subject.check_at is None or subject.check_at > now:
                return None
            subject.check_at = now + self.lease
            subject.checks += 1
            if order and order.is_unseen:
                order.moves_to(OrderState.EXPIRED)
                order.check_at = None
            first = refund is not None and refund[1].stage is RefundStage.RESERVED
            if refund and first:
                refund[1].stage = RefundStage.REQUESTED
            work.accounts.save(account)
            await work.commit()
        if order:
            placed = PlacedOrder(order=order.id, gateway_order=order.gateway_order)
            return None if order.check_at is None else (order.gateway, placed, True)
        assert refund is not None  # noqa: S101 - the check is about an order or a refund
        payment, wanted = refund
        request = RefundRequest(refund=wanted.id, payment=payment.gateway_payment, amount=wanted.amount)
        return payment.gateway, request, first

    async def _ask(self, name: str, question: Question, *, first: bool) -> Told:
        gateway = self.gateways.get(name)
        if gateway is None:
            raise Unavailable(f"adapters.payments does not name the gateway {name}")
        if isinstance(question, PlacedOrder):
            return await gateway.payments(question)
        known = None if first else await gateway.refund_status(question)
        return known or await gateway.refund(question)


def find(account: FeeAccount, check: DueCheck) -> tuple[PaymentOrder | None, tuple[Payment, Refund] | None]:
    """Return the order or the refund that a check is about."""
    order = next((each for each in account.orders if each.id == check.subject), None)
    refunds = [(payment, each) for payment in account.payments for each in payment.refunds if each.id == check.subject]
    return order, refunds[0] if refunds and refunds[0][0].gateway != COUNTER else None


def record_order(account: FeeAccount, order: PaymentOrder, told: Told, now: datetime) -> None:
    """Apply the list of an order's payments; without an answer after its end the order is unknown."""
    if not isinstance(told, CoreError | GatewayRefund):
        apply_payments(account, order, told, now)
        return
    if now >= order.expires_at:
        order.moves_to(OrderState.UNKNOWN)


def record_refund(account: FeeAccount, payment: Payment, refund: Refund, told: Told, now: datetime) -> None:
    """Settle a refund by its answer; only a definite no releases what it reserved."""
    refund.check_at = now + min(MIN_INTERVAL * 2 ** min(refund.checks, 10), MAX_INTERVAL)
    if isinstance(told, GatewayRefund):
        apply_refund(account, payment.gateway, told, now)
    elif isinstance(told, Rejected):
        account.record_refund(payment, refund, RefundStage.RELEASED, now)
    elif isinstance(told, OutcomeUnknown):
        account.record_refund(payment, refund, RefundStage.UNKNOWN, now)
