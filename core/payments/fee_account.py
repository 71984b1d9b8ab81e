"""The fee account: how what one submission owes changes; its row lock covers all of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.kernel.errors import Invalid
from core.kernel.events import Event
from core.kernel.money import Money
from core.payments.account_events import account_id, event_of, more_of, told_of_fine, told_of_payment, told_of_refund
from core.payments.adjustment import Adjustment, pay_demand_by
from core.payments.errors import (
    NothingOwed,
    NotRefundable,
    PaymentClosed,
    PaymentUnderWay,
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
    RefundReserved,
    WaiverRetracted,
)
from core.payments.fee_balance import FeeBalance, FeeStatus
from core.payments.instalment import adjusted
from core.payments.late_days import due_fines, next_fine_at, unjust_fines
from core.payments.order import UNDER_WAY, OrderState, OrderTerms, PaidPart, PaymentOrder
from core.payments.payment import (
    COUNTER,
    NEXT_STAGES,
    OPEN,
    Payment,
    Refund,
    RefundCause,
    RefundStage,
    surplus_refund_id,
)
from core.payments.reminder import missed_reminders, next_reminder_at
from core.payments.waiver import Waiver, WaiverState, WaiverVerdict


@dataclass(slots=True, kw_only=True, eq=False)
class FeeAccount(FeeBalance):
    """What one submission owes; every change appends its events."""

    events: list[Event] = field(default_factory=list)
    """Not recorded yet."""

    def open_order(
        self, order: UUID, gateway: str, at: datetime, terms: OrderTerms, *, pays: PaidPart = PaidPart.DUE
    ) -> PaymentOrder:
        """Begin an attempt to pay what is due or all that is owed, or continue one whose page no payer has seen.

        Raises `NothingOwed`, `PaymentUnderWay` or `PaymentClosed`.
        """
        self.fine(at)
        amount = self.owed if pays is PaidPart.ALL else self.payable(at)
        for unseen in [each for each in self.orders if each.is_unseen]:
            if at < unseen.expires_at and unseen.amount == amount:
                return unseen
            unseen.moves_to(OrderState.EXPIRED)
        self._check_payable(at)
        opened = PaymentOrder(
            id=order, gateway=gateway, amount=amount, opened_at=at, expires_at=at + terms.lifetime, check_at=None
        )
        opened.check_at = terms.next_check(opened, at)
        self.orders.append(opened)
        return opened

    def _check_payable(self, at: datetime) -> None:
        if self.owed.minor <= 0:
            raise NothingOwed(f"the fee {self.reference} is paid")
        if under_way := next((each for each in self.orders if each.state in UNDER_WAY), None):
            raise PaymentUnderWay.of(under_way)
        if self.pay_by and at >= self.pay_by and not (self.fine_terms and self.fine_terms.rules):
            raise PaymentClosed(f"payment closed at {self.pay_by.isoformat()}")

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
        pay_by = next((each.pay_by for each in self.parts if each.owed.minor > 0), self.pay_by)
        payment.late = order is not None and pay_by is not None and order.opened_at < pay_by <= payment.paid_at
        self.payments.append(payment)
        self._record(PaymentCaptured, at, **told_of_payment(payment), owed=self.owed)
        self._withdraw_fines(order.opened_at if order else payment.paid_at, at)
        self.settle(at)
        return True

    def reserve_refund(self, payment: Payment, refund: Refund, at: datetime) -> None:
        """Promise an amount of a payment; raise `NotRefundable` beyond what is left of it."""
        if not 0 < refund.amount.minor <= payment.refundable.minor:
            raise NotRefundable(f"{payment.refundable.minor} of the payment {payment.id} can be refunded")
        payment.refunds.append(refund)
        self._record(RefundReserved, at, **told_of_refund(payment, refund))

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
            self._record(kind, at, **told_of_refund(payment, refund), **more_of(kind, payment))
        self.settle(at)
        return True

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
        before, pay_by, self.charged = self.charged, self.pay_by, self.charged + adjustment.amount
        if adjustment.amount.minor > 0 and pay_by and self.fine_terms and (self.cleared or at < pay_by):
            self.pay_by = max(pay_by, pay_demand_by(pay_by, self.fine_terms, at))
        self.instalments = adjusted(self.instalments, adjustment.amount, self.pay_by)
        if self.pay_by != pay_by:
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
            self._record(FeeFined, at, **told_of_fine(fine))
        if len(self.fines) > before:
            self.settle(at)
        return len(self.fines) - before

    def plan(self, at: datetime) -> None:
        """Set when it is fined and when its payer is reminded next."""
        self.fine_at = None if self.cleared else next_fine_at(self, at)
        self.remind_at = None if self.cleared else next_reminder_at(self.parts, self.fine_terms, at)

    def remind(self, at: datetime) -> int:
        """Tell of which instalments the payer is to be reminded, of several missed reminders once; return how many.

        While the payer may be debited, reminders wait: the payment may not come.
        """
        if self.remind_at is None or self.fine_terms is None or at < self.remind_at or self.status is FeeStatus.PENDING:
            return 0
        missed = missed_reminders(self.parts, self.fine_terms, self.remind_at, at)
        self.remind_at = next_reminder_at(self.parts, self.fine_terms, at)
        owed = [each for each in self.parts if each.number in missed and each.owed.minor > 0]
        for each in owed:
            told = {"reminder": str(missed[each.number]), "pay_by": each.pay_by, "instalment": each.number}
            self._record(PaymentReminderDue, at, **told, zone=self.fine_terms.zone)
        return len(owed)

    def _withdraw_fines(self, paid_at: datetime, at: datetime) -> None:
        """Take back the fines of days before which the fee was settled, as a payment shows that arrived late."""
        for fine in unjust_fines(self, paid_at):
            fine.withdrawn_at = at
            self._record(FineWithdrawn, at, **told_of_fine(fine))

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
        elif not self.cleared:
            self._fine_what_is_owed_again(at)

    def _fine_what_is_owed_again(self, at: datetime) -> None:
        """Bring the next fine forward where an instalment is no longer paid; days before that are not fined."""
        moments = [each for each in (self.fine_at, next_fine_at(self, at)) if each]
        self.fine_at = min(moments, default=None)

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
