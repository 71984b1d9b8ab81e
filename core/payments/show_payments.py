"""Show what is owed and paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.money import Money
from core.payments.errors import UnknownFee
from core.payments.fee_account import FeeAccount
from core.payments.fee_balance import FeeStatus
from core.payments.named_fee import reachable_fee
from core.payments.pay_exam_fee import OpenedPayment, opened_payment
from core.payments.payment import Payment
from core.payments.ports import FeeNames, PaymentRecords, PostedFee


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundView:
    """An amount that goes back."""

    refund: UUID
    amount: Money
    cause: str
    stage: str
    reserved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """An amount that was received."""

    payment: UUID
    gateway: str
    gateway_payment: str
    method: str
    amount: Money
    paid_at: datetime
    late: bool
    refunds: Sequence[RefundView]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalmentView:
    """A part of the fee with a deadline of its own."""

    number: int
    amount: Money
    """Of the price."""
    pay_by: datetime | None
    fined: Money
    waived: Money
    paid: Money
    owed: Money
    state: FeeStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePayments:
    """What one exam fee costs, what was paid, and what is owed by the postings of the ledger."""

    fee: UUID
    reference: str
    status: FeeStatus
    due: Money
    owed: Money
    pay_by: datetime | None
    instalments: Sequence[InstalmentView]
    """Of a fee without instalments one, the whole."""
    orders: Sequence[OpenedPayment]
    payments: Sequence[PaymentView]


@requires(Permission.SUBMISSIONS_READ)
@dataclass(frozen=True, slots=True)
class ShowPayments:
    """Show the account of an exam fee."""

    names: FeeNames
    records: PaymentRecords

    async def __call__(self, fee: str) -> FeePayments:
        """Return it, or raise `UnknownFee`."""
        named = await reachable_fee(self.names, fee)
        if (posted := await self.records.find(named.submission)) is None:
            raise UnknownFee(f"there is no exam fee {fee[:40]!r}")
        return fee_payments(posted)


def fee_payments(posted: PostedFee) -> FeePayments:
    """Return what people see of an account."""
    account: FeeAccount = posted.account
    return FeePayments(
        fee=account.submission,
        reference=account.reference,
        status=account.status,
        due=account.due,
        owed=posted.balance,
        pay_by=account.pay_by,
        instalments=instalment_views(account),
        orders=[opened_payment(account, each) for each in account.orders if not each.is_unseen],
        payments=[payment_view(each) for each in account.payments],
    )


SHOWN = ("number", "amount", "pay_by", "fined", "waived", "paid", "owed")


def instalment_views(account: FeeAccount) -> Sequence[InstalmentView]:
    """Return what people see of instalments; those that orders under way may have paid are pending."""
    views, pending = [], account.pending
    for each in account.parts:
        state = FeeStatus.PART_PAID if each.paid.minor > 0 else FeeStatus.UNPAID
        if each.owed.minor <= 0:
            state = FeeStatus.PAID
        elif pending.minor > 0:
            state = FeeStatus.PENDING
            pending -= each.owed
        known = {
            name: getattr(each, name) for name in ("number", "amount", "pay_by", "fined", "waived", "paid", "owed")
        }
        views.append(InstalmentView(state=state, **known))
    return views


def payment_view(payment: Payment) -> PaymentView:
    """Return what people see of a payment."""
    return PaymentView(
        payment=payment.id,
        gateway=payment.gateway,
        gateway_payment=payment.gateway_payment,
        method=payment.method,
        amount=payment.amount,
        paid_at=payment.paid_at,
        late=payment.late,
        refunds=[
            RefundView(
                refund=each.id, amount=each.amount, cause=each.cause, stage=each.stage, reserved_at=each.reserved_at
            )
            for each in payment.refunds
        ],
    )
