"""The fee account: what one submission owes, and what was received for it; its row lock covers all of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from core.kernel.errors import Invalid
from core.kernel.events import Event
from core.kernel.money import Money
from core.payments.adjustment import Adjustment, pay_demand_by
from core.payments.errors import (
    NothingOwed,
    NotRefundable,
    PaymentClosed,
    PaymentUnderWay,
    UnknownPayment,
    UnknownWaiver,
    WaivedTooMuch,
    WrongCurrency,
)
from core.payments.events import (
    FeeAdjusted,
    FeeClearanceRevoked,
    FeeCleared,
    FeeFined,
    FeeWaived,
    FineWithdrawn,
    PaymentCaptured,
    PaymentReminderDue,
    PaymentRestored,
    PaymentReversed,
    RefundReleased,
    RefundReserved,
    RefundSettled,
    WaiverRetracted,
)
from core.payments.fine import Fine, FineRule, FineTerms, fine_id
from core.payments.order import PENDING, UNDER_WAY, OrderState, OrderTerms, PaymentOrder
from core.payments.payment import (
    COUNTER,
    NEXT_STAGES,
    OPEN,
    PAYMENTS,
    TAKEN_BACK,
    Payment,
    Refund,
    RefundCause,
    RefundStage,
    surplus_refund_id,
)
from core.payments.reminder import last_reminder, next_reminder_at
from core.payments.waiver import Waiver, WaiverState, WaiverVerdict


class FeeStatus(StrEnum):
    """What a candidate is told."""

    UNPAID = "unpaid"
    PENDING = "pending"
    """An attempt may be debited: paying again could pay twice."""
    PART_PAID = "part-paid"
    PAID = "paid"


@dataclass(slots=True, kw_only=True, eq=False)
class FeeAccount:
    """What one submission owes; every change appends its events."""

    submission: UUID
    student: UUID
    reference: str
    schedule: str
    charged: Money
    pay_by: datetime | None
    fine_terms: FineTerms | None = None
    """None where the fee has no deadline; without rules, nothing is paid after it."""
    fine_at: datetime | None = None
    """When the next fine may be due; None: no more."""
    remind_at: datetime | None = None
    """When the payer is reminded next; None: no more."""
    cleared: bool = False
    version: int = 0
    orders: list[PaymentOrder] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    waivers: list[Waiver] = field(default_factory=list)
    fines: list[Fine] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    """Not recorded yet."""

    @property
    def due(self) -> Money:
        """Return what the fee costs by now."""
        return self.charged + self.fined - self.waived

    @property
    def fined(self) -> Money:
        """Return the sum of the fines that were not withdrawn."""
        valid = [each.amount for each in self.fines if each.withdrawn_at is None]
        return sum(valid, Money.zero(self.charged.currency))

    @property
    def waived(self) -> Money:
        """Return the sum of the approved waivers."""
        approved = [each.amount for each in self.waivers if each.state is WaiverState.APPROVED]
        return sum(approved, Money.zero(self.charged.currency))

    @property
    def received(self) -> Money:
        """Return what of all payments is at the office."""
        return sum((each.received for each in self.payments), Money.zero(self.charged.currency))

    @property
    def owed(self) -> Money:
        """Return what is left to pay, which is the balance of its postings; negative: a surplus."""
        return self.due - self.received

    @property
    def surplus(self) -> Money:
        """Return what was received beyond the due amount and goes back by no refund yet; at least zero."""
        kept = sum((each.refundable for each in self.payments), Money.zero(self.charged.currency))
        return max(kept - self.due, Money.zero(self.charged.currency))

    @property
    def status(self) -> FeeStatus:
        """Return what a candidate is told."""
        if self.owed.minor <= 0:
            return FeeStatus.PAID
        if any(each.state in PENDING for each in self.orders):
            return FeeStatus.PENDING
        return FeeStatus.PART_PAID if self.received.minor > 0 else FeeStatus.UNPAID

    @property
    def is_debt(self) -> bool:
        """Return whether something is owed for which no payer may be debited."""
        return self.status in (FeeStatus.UNPAID, FeeStatus.PART_PAID)

    def open_order(self, order: UUID, gateway: str, at: datetime, terms: OrderTerms) -> PaymentOrder:
        """Begin an attempt to pay what is owed, or continue one whose page no payer has seen.

        Raises `NothingOwed`, `PaymentUnderWay` or `PaymentClosed`.
        """
        self.fine(at)
        for unseen in [each for each in self.orders if each.is_unseen]:
            if at < unseen.expires_at and unseen.amount == self.owed:
                return unseen
            unseen.moves_to(OrderState.EXPIRED)
        if self.owed.minor <= 0:
            raise NothingOwed(f"the fee {self.reference} is paid")
        if under_way := next((each for each in self.orders if each.state in UNDER_WAY), None):
            raise PaymentUnderWay.of(under_way)
        if self.pay_by and at >= self.pay_by and not (self.fine_terms and self.fine_terms.rules):
            raise PaymentClosed(f"payment closed at {self.pay_by.isoformat()}")
        expires_at = at + terms.lifetime
        opened = PaymentOrder(
            id=order, gateway=gateway, amount=self.owed, opened_at=at, expires_at=expires_at, check_at=None
        )
        opened.check_at = terms.next_check(opened, at)
        self.orders.append(opened)
        return opened

    def order(self, order: UUID) -> PaymentOrder:
        """Return an order; raise `UnknownPayment`."""
        if found := next((each for each in self.orders if each.id == order), None):
            return found
        raise UnknownPayment(f"the fee {self.reference} has no order {order}")

    def payment(self, payment: UUID) -> Payment:
        """Return a payment; raise `UnknownPayment`."""
        if found := next((each for each in self.payments if each.id == payment), None):
            return found
        raise UnknownPayment(f"the fee {self.reference} has no payment {payment}")

    def capture(self, payment: Payment, at: datetime) -> bool:
        """Take a payment, once; a surplus goes back. Return whether it was new."""
        if payment.amount.currency != self.charged.currency:
            raise WrongCurrency(
                f"the fee {self.reference} is in {self.charged.currency}, not {payment.amount.currency}"
            )
        order = next((each for each in self.orders if each.id == payment.order), None)
        if order:
            order.moves_to(OrderState.CAPTURED)
        if any(each.id == payment.id for each in self.payments):
            return False
        started_in_time = order is not None and self.pay_by is not None and order.opened_at < self.pay_by
        payment.late = started_in_time and self.pay_by is not None and payment.paid_at >= self.pay_by
        self.payments.append(payment)
        self._record(
            PaymentCaptured,
            at,
            payment=payment.id,
            gateway=payment.gateway,
            gateway_payment=payment.gateway_payment,
            method=payment.method,
            amount=payment.amount,
            paid_at=payment.paid_at,
            late=payment.late,
            owed=self.owed,
        )
        self._withdraw_fines(order.opened_at if order else payment.paid_at, at)
        self.settle(at)
        return True

    def reserve_refund(self, payment: Payment, refund: Refund, at: datetime) -> None:
        """Promise an amount of a payment; raise `NotRefundable` beyond what is left of it."""
        if not 0 < refund.amount.minor <= payment.refundable.minor:
            raise NotRefundable(f"{payment.refundable.minor} of the payment {payment.id} can be refunded")
        payment.refunds.append(refund)
        self._record_refund(RefundReserved, payment, refund, at)

    def record_refund(self, payment: Payment, refund: Refund, stage: RefundStage, at: datetime) -> bool:
        """Record what became of a refund, also of one that the office did not ask for; tell whether that is new."""
        before = refund.stage if refund in payment.refunds else None
        if stage not in NEXT_STAGES[before]:
            return False
        if before is None:
            payment.refunds.append(refund)
        refund.stage = stage
        if stage not in OPEN:
            refund.check_at = None
        if kind := event_of(refund, before):
            self._record_refund(kind, payment, refund, at)
        self.settle(at)
        return True

    def waiver(self, waiver: UUID) -> Waiver:
        """Return a waiver; raise `UnknownWaiver`."""
        if found := next((each for each in self.waivers if each.id == waiver), None):
            return found
        raise UnknownWaiver(f"the fee {self.reference} has no waiver {waiver}")

    def check_waivable(self, amount: Money) -> None:
        """Raise `WaivedTooMuch` for more than is due, `WrongCurrency`, or `Invalid` for nothing."""
        if amount.currency != self.charged.currency:
            raise WrongCurrency(f"the fee {self.reference} is in {self.charged.currency}, not {amount.currency}")
        if amount.minor <= 0:
            raise Invalid("a waiver is of at least one minor unit", at="$.amount")
        if amount > self.due:
            raise WaivedTooMuch(f"{self.due.minor} minor units of the fee {self.reference} are due")

    def decide_waiver(self, waiver: Waiver, state: WaiverState, verdict: WaiverVerdict) -> None:
        """Approve or refuse a waiver; what was paid beyond the new due amount goes back.

        Raises `AlreadyDecided`, `SamePerson`, or `WaivedTooMuch` where less is due than when it was requested.
        """
        due = self.due
        if state is WaiverState.APPROVED:
            self.check_waivable(waiver.amount)
        waiver.decide(state, verdict)
        if state is WaiverState.APPROVED:
            waiver.due_before, waiver.due_after = due, self.due
            self._record_waiver(FeeWaived, waiver, verdict)

    def retract_waiver(self, waiver: Waiver, verdict: WaiverVerdict) -> None:
        """Make the amount of an approved waiver owed again; raise `AlreadyDecided`."""
        waiver.retract(verdict)
        self._record_waiver(WaiverRetracted, waiver, verdict)

    def adjust(self, adjustment: Adjustment, why: str, at: datetime) -> None:
        """Charge by a corrected tariff; what was paid beyond it goes back, and a demand has days to be paid.

        Raises `WaivedTooMuch` where more is waived than the fee costs then.
        """
        if (self.due + adjustment.amount).minor < 0:
            raise WaivedTooMuch(f"of the fee {self.reference} is waived more than it costs then: retract a waiver")
        before, self.charged = self.charged, self.charged + adjustment.amount
        if adjustment.amount.minor > 0 and self.pay_by and self.fine_terms and (self.cleared or at < self.pay_by):
            self.pay_by = max(self.pay_by, pay_demand_by(self.pay_by, self.fine_terms, at))
            self.plan(at)
        self._record(
            FeeAdjusted, at, adjustment=adjustment.id, schedule_version=adjustment.version,
            heads=tuple(adjustment.heads), before=before, after=self.charged, owed=self.owed, pay_by=self.pay_by,
            zone=self.fine_terms.zone if self.fine_terms else "", reason=why,
        )  # fmt: skip
        self.settle(at)

    def fine(self, at: datetime) -> int:
        """Charge what became due by now, each rule once a day; return how many fines were.

        A day waits while a payment is under way that was begun before it.
        """
        before = len(self.fines)
        for fine in due_fines(self, at):
            self.fines.append(fine)
            self._record_fine(FeeFined, fine, at)
        if len(self.fines) > before:
            self.settle(at)
        return len(self.fines) - before

    def plan(self, at: datetime) -> None:
        """Set when it is fined and when its payer is reminded next."""
        self.fine_at = None if self.cleared else next_fine_at(self, at)
        self.remind_at = None if self.cleared else next_reminder_at(self.pay_by, self.fine_terms, at)

    def remind(self, at: datetime) -> bool:
        """Tell that its payer is to be reminded, of several missed reminders once; return whether there is a debt."""
        if self.remind_at is None or self.pay_by is None or self.fine_terms is None or at < self.remind_at:
            return False
        reminder = last_reminder(self.pay_by, self.fine_terms, at)
        self.remind_at = next_reminder_at(self.pay_by, self.fine_terms, at)
        if self.is_debt:
            self._record(PaymentReminderDue, at, reminder=str(reminder), pay_by=self.pay_by, zone=self.fine_terms.zone)
        return self.is_debt

    def _withdraw_fines(self, paid_at: datetime, at: datetime) -> None:
        """Take back the fines of days before which the fee was settled, as a payment shows that arrived late."""
        for fine in unjust_fines(self, paid_at):
            fine.withdrawn_at = at
            self._record_fine(FineWithdrawn, fine, at)

    def settle(self, at: datetime) -> None:
        """Reserve the refund of a surplus, and clear the fee or revoke its clearance."""
        for payment in reversed(self.payments):
            back = min(self.surplus, payment.refundable)
            if back.minor > 0 and not payment.refused_surplus:
                refund = Refund(
                    id=surplus_refund_id(payment),
                    amount=back,
                    cause=RefundCause.SURPLUS,
                    reserved_at=at,
                    check_at=None if payment.gateway == COUNTER else at,
                )
                self.reserve_refund(payment, refund, at)
        if self.cleared != (self.owed.minor <= 0):
            self.cleared = not self.cleared
            self.plan(at)
            self._record(FeeCleared if self.cleared else FeeClearanceRevoked, at)

    def _record_refund(self, kind: type[Event], payment: Payment, refund: Refund, at: datetime) -> None:
        self._record(
            kind,
            at,
            refund=refund.id,
            payment=payment.id,
            gateway=payment.gateway,
            amount=refund.amount,
            cause=str(refund.cause),
            **more_of(kind, payment),
        )

    def _record_fine(self, kind: type[Event], fine: Fine, at: datetime) -> None:
        self._record(
            kind, at, fine=fine.id, rule=fine.rule, schedule_version=fine.version, day=fine.day, head=fine.head,
            amount=fine.amount,
        )  # fmt: skip

    def _record_waiver(self, kind: type[Event], waiver: Waiver, verdict: WaiverVerdict) -> None:
        self._record(kind, verdict.at, waiver=waiver.id, head=waiver.head, amount=waiver.amount, reason=verdict.why)
        self.settle(verdict.at)

    def _record(self, kind: type[Event], at: datetime, **told: Any) -> None:
        self.version += 1
        known = {
            "fee": self.submission,
            "reference": self.reference,
            "student": self.student,
            "schedule": self.schedule,
        }
        self.events.append(kind(at=at, subject=account_id(self.submission), version=self.version, **known, **told))


def account_id(submission: UUID) -> UUID:
    """Return the id under which an account numbers its events; those of the submission have numbers of their own."""
    return uuid5(PAYMENTS, str(submission))


def event_of(refund: Refund, before: RefundStage | None) -> type[Event] | None:
    """Return the event of a refund that has left a stage; None if nothing changed that another context knows."""
    if refund.stage is RefundStage.SETTLED:
        return PaymentReversed if refund.cause in TAKEN_BACK else RefundSettled
    if refund.stage is RefundStage.RELEASED and before is not None:
        return PaymentRestored if before is RefundStage.SETTLED else RefundReleased
    return None


def more_of(kind: type[Event], payment: Payment) -> Mapping[str, Any]:
    """Return what receipts need to know of a payment that was taken back or restored."""
    if kind is PaymentReversed:
        taken_back = [each for each in payment.refunds if each.cause in TAKEN_BACK]
        return {"restored": tuple(each.id for each in taken_back if each.stage is RefundStage.RELEASED)}
    return {"method": payment.method} if kind is PaymentRestored else {}


def due_fines(account: FeeAccount, at: datetime) -> Iterator[Fine]:
    """Yield the fines that are due by now, and move `fine_at` on; the consumer adds each one before the next."""
    terms, pay_by = account.fine_terms, account.pay_by
    while terms and pay_by and account.fine_at and account.fine_at <= at and account.owed.minor > 0:
        since = account.fine_at
        if any(each.state in UNDER_WAY and not each.is_unseen and each.opened_at < since for each in account.orders):
            return
        day = terms.day_of(pay_by, since)
        for rule in [each for each in open_rules(account) if each.grace_days <= day]:
            amount = rule.price(account.charged, unpaid(account), fined_by(account, rule.rule))
            fine = Fine(
                id=fine_id(account.submission, rule.rule, terms.date_of(since)),
                rule=rule.rule,
                version=terms.version,
                head=rule.head,
                day=terms.date_of(since),
                amount=amount,
                since=since,
                fined_at=at,
            )
            if amount.minor > 0 and all(each.id != fine.id for each in account.fines):
                yield fine
        account.fine_at = next_fine_at(account, since)


def next_fine_at(account: FeeAccount, after: datetime) -> datetime | None:
    """Return the beginning of the next late day that can be fined; None: there is none."""
    if account.fine_terms is None or account.pay_by is None or not (rules := open_rules(account)):
        return None
    late = after >= account.pay_by
    next_day = account.fine_terms.day_of(account.pay_by, after) + 1 if late else 0
    return account.fine_terms.begin(account.pay_by, max(next_day, min(each.grace_days for each in rules)))


def open_rules(account: FeeAccount) -> Sequence[FineRule]:
    """Return the rules that have not charged all yet."""
    known = account.fine_terms.rules if account.fine_terms else ()
    return [
        each
        for each in known
        if (
            fined_by(account, each.rule).minor < (each.cap or 0)
            if each.per_day
            else all(fine.rule != each.rule for fine in account.fines)
        )
    ]


def fined_by(account: FeeAccount, rule: str) -> Money:
    """Return the sum of the fines of a rule."""
    fines = [each.amount for each in account.fines if each.rule == rule and each.withdrawn_at is None]
    return sum(fines, Money.zero(account.charged.currency))


def unpaid(account: FeeAccount) -> Money:
    """Return what of the price is unpaid, without fines."""
    return max(account.charged - account.waived - account.received, Money.zero(account.charged.currency))


def unjust_fines(account: FeeAccount, begun_at: datetime) -> Iterator[Fine]:
    """Yield the fines of days that began after a payment, and after the fee was settled; each is withdrawn at once."""
    for fine in sorted(account.fines, key=lambda each: each.since):
        if fine.withdrawn_at or fine.since <= begun_at or fine.amount > account.due:
            continue  # beyond what is due it is waived already
        if was_settled(account, fine.since):
            yield fine


def was_settled(account: FeeAccount, moment: datetime) -> bool:
    """Tell whether the payments that were begun before a moment are what was due then."""
    opened = {each.id: each.opened_at for each in account.orders}
    nothing = Money.zero(account.charged.currency)
    begun = [each.received for each in account.payments if opened.get(each.order or each.id, each.paid_at) < moment]
    fines = [each.amount for each in account.fines if each.withdrawn_at is None and each.since < moment]
    return account.charged + sum(fines, nothing) - account.waived <= sum(begun, nothing)
