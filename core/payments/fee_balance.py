"""What one submission owes, by the charges, waivers, fines and payments that are known of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.kernel.money import Money
from core.payments.errors import UnknownPayment, UnknownWaiver
from core.payments.fine import Fine, FineTerms
from core.payments.instalment import Instalment, InstalmentBalance, balances
from core.payments.order import PENDING, PaymentOrder
from core.payments.payment import Payment
from core.payments.waiver import Waiver, WaiverState


class FeeStatus(StrEnum):
    """What a candidate is told."""

    UNPAID = "unpaid"
    PENDING = "pending"
    """An attempt may be debited: paying again could pay twice."""
    PART_PAID = "part-paid"
    PAID = "paid"


@dataclass(slots=True, kw_only=True, eq=False)
class FeeBalance:
    """The facts of one fee, and the sums that follow from them."""

    submission: UUID
    student: UUID
    reference: str
    schedule: str
    charged: Money
    pay_by: datetime | None
    """When all is to be paid."""
    instalments: tuple[Instalment, ...] = ()
    """Empty: one, of the whole charge."""
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
    def parts(self) -> tuple[InstalmentBalance, ...]:
        """Return each instalment as it stands."""
        whole = Instalment(amount=self.charged, pay_by=self.pay_by)
        return balances(self.instalments or (whole,), self.fines, self.waivers, self.received)

    def payable(self, at: datetime) -> Money:
        """Return what is to be paid now: the overdue instalments, or else the next one that is owed."""
        owed = [each for each in self.parts if each.owed.minor > 0]
        late = [each for each in owed if each.pay_by and each.pay_by <= at] or owed[:1]
        return sum((each.owed for each in late), Money.zero(self.charged.currency))

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
    def pending(self) -> Money:
        """Return what payers may be debited."""
        waiting = [each.amount for each in self.orders if each.state in PENDING]
        return sum(waiting, Money.zero(self.charged.currency))

    def debt_up_to(self, instalment: int) -> Money | None:
        """Return what is owed up to an instalment; None: nothing of that one, or its payer may be debited."""
        if self.status is FeeStatus.PENDING or self.parts[instalment - 1].owed.minor <= 0:
            return None
        return sum((each.owed for each in self.parts[:instalment]), Money.zero(self.charged.currency))

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

    def waiver(self, waiver: UUID) -> Waiver:
        """Return a waiver; raise `UnknownWaiver`."""
        if found := next((each for each in self.waivers if each.id == waiver), None):
            return found
        raise UnknownWaiver(f"the fee {self.reference} has no waiver {waiver}")
