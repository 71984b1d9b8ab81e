"""Converts fee accounts to rows and back."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, Table

from adapters.sql.payments.tables import fee_accounts, fines, payment_orders, payments, refunds, waivers
from core.kernel.money import Money
from core.payments.fee_account import FeeAccount
from core.payments.fine import Fine, FineTerms
from core.payments.gateway import Checkout
from core.payments.instalment import Instalment
from core.payments.order import OrderState, PaymentOrder
from core.payments.payment import Payment, Refund, RefundCause, RefundStage
from core.payments.waiver import Waiver, WaiverState, WaiverVerdict


class TableRow(NamedTuple):
    """A row to store."""

    table: Table
    values: dict[str, Any]


def rows_of(account: FeeAccount) -> Iterator[TableRow]:
    """Yield every row of an account."""
    yield TableRow(fee_accounts, account_row(account))
    own = {"submission_id": account.submission, "currency": account.charged.currency}
    for order in account.orders:
        named = {name: getattr(order, name) for name in ORDER}
        checkout = msgspec.json.encode(order.checkout).decode()
        yield TableRow(payment_orders, own | named | {"amount_minor": order.amount.minor, "checkout": checkout})
    for payment in account.payments:
        named = {name: getattr(payment, name) for name in PAYMENT}
        told = {"amount_minor": payment.amount.minor, "order_id": payment.order}
        yield TableRow(payments, own | named | told)
        for refund in payment.refunds:
            named = {name: getattr(refund, name) for name in REFUND}
            yield TableRow(refunds, own | named | {"payment_id": payment.id, "amount_minor": refund.amount.minor})

    for waiver in account.waivers:
        yield TableRow(waivers, own | waiver_row(waiver))
    for fine in account.fines:
        named = {name: getattr(fine, name) for name in FINE}
        yield TableRow(fines, own | named | {"amount_minor": fine.amount.minor})


ORDER = ("id", "gateway", "state", "opened_at", "expires_at", "gateway_order", "check_at", "checks")
PAYMENT = ("id", "gateway", "gateway_payment", "method", "paid_at", "late")
REFUND = ("id", "cause", "reason", "stage", "reserved_at", "gateway_refund", "check_at", "checks")


def account_row(account: FeeAccount) -> dict[str, Any]:
    """Return the columns of an account."""
    return {
        "submission_id": account.submission,
        "student_id": account.student,
        "reference": account.reference,
        "schedule": account.schedule,
        "currency": account.charged.currency,
        "charged_minor": account.charged.minor,
        "fine_terms": account.fine_terms and msgspec.json.encode(account.fine_terms).decode(),
        "instalments": msgspec.json.encode(account.instalments).decode() if account.instalments else None,
        "fine_at": account.fine_at,
        "remind_at": account.remind_at,
        "pay_by": account.pay_by,
        "cleared": account.cleared,
        "version": account.version,
    }


def as_account(row: Row[Any]) -> FeeAccount:
    """Rebuild an account from its columns, without orders and payments."""
    return FeeAccount(
        submission=row.submission_id,
        student=row.student_id,
        reference=row.reference,
        schedule=row.schedule,
        charged=Money(row.charged_minor, row.currency),
        fine_terms=msgspec.json.decode(row.fine_terms, type=FineTerms) if row.fine_terms else None,
        instalments=as_instalments(row.instalments),
        fine_at=row.fine_at,
        remind_at=row.remind_at,
        pay_by=row.pay_by,
        cleared=row.cleared,
        version=row.version,
    )


def as_instalments(stored: str | None) -> tuple[Instalment, ...]:
    """Rebuild the instalments of an account."""
    return msgspec.json.decode(stored, type=tuple[Instalment, ...]) if stored else ()


def as_order(row: Row[Any]) -> PaymentOrder:
    """Rebuild an order from columns."""
    return PaymentOrder(
        id=row.id,
        gateway=row.gateway,
        amount=Money(row.amount_minor, row.currency),
        state=OrderState(row.state),
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        gateway_order=row.gateway_order,
        checkout=msgspec.json.decode(row.checkout, type=Checkout | None),
        check_at=row.check_at,
        checks=row.checks,
    )


def as_payment(row: Row[Any]) -> Payment:
    """Rebuild a payment from columns, without refunds."""
    return Payment(
        id=row.id,
        gateway=row.gateway,
        gateway_payment=row.gateway_payment,
        order=row.order_id,
        method=row.method,
        amount=Money(row.amount_minor, row.currency),
        paid_at=row.paid_at,
        late=row.late,
    )


def as_refund(row: Row[Any]) -> Refund:
    """Rebuild a refund from columns."""
    return Refund(
        id=row.id,
        amount=Money(row.amount_minor, row.currency),
        cause=RefundCause(row.cause),
        reason=row.reason,
        stage=RefundStage(row.stage),
        reserved_at=row.reserved_at,
        gateway_refund=row.gateway_refund,
        check_at=row.check_at,
        checks=row.checks,
    )


WAIVER = ("id", "percent", "head", "reason", "state", "requested_by", "requested_at")
VERDICTS = {
    "decision": ("decided_by", "decided_at", "decision_reason"),
    "retraction": ("retracted_by", "retracted_at", "retraction_reason"),
}
"""The columns of who, when and why."""

FINE = ("id", "instalment", "rule", "version", "head", "day", "since", "fined_at", "withdrawn_at")


def waiver_row(waiver: Waiver) -> dict[str, Any]:
    """Return the columns of a waiver."""
    row = {name: getattr(waiver, name) for name in WAIVER}
    for name, (who, at, why) in VERDICTS.items():
        verdict: WaiverVerdict | None = getattr(waiver, name)
        row |= {who: verdict and verdict.who, at: verdict and verdict.at, why: verdict and verdict.why}
    return row | {
        "amount_minor": waiver.amount.minor,
        "due_before_minor": waiver.due_before and waiver.due_before.minor,
        "due_after_minor": waiver.due_after and waiver.due_after.minor,
    }


def as_waiver(row: Row[Any]) -> Waiver:
    """Rebuild a waiver from columns."""
    named = {name: getattr(row, name) for name in WAIVER} | {"state": WaiverState(row.state)}
    for name, columns in VERDICTS.items():
        who, at, why = (getattr(row, column) for column in columns)
        named[name] = WaiverVerdict(who, at, why) if at else None
    for name in ("due_before", "due_after"):
        minor = getattr(row, f"{name}_minor")
        named[name] = None if minor is None else Money(minor, row.currency)
    return Waiver(amount=Money(row.amount_minor, row.currency), **named)


def as_fine(row: Row[Any]) -> Fine:
    """Rebuild a fine from columns."""
    return Fine(amount=Money(row.amount_minor, row.currency), **{name: getattr(row, name) for name in FINE})
