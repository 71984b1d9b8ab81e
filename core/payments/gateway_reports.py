"""What a gateway tells, applied to a fee account; told twice or late it changes nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from core.payments.fee_account import FeeAccount
from core.payments.gateway import (
    ChargebackReported,
    GatewayPayment,
    GatewayRefund,
    GatewayReport,
    PaymentReported,
    PaymentState,
    RefundReported,
    RefundState,
)
from core.payments.order import OrderState, PaymentOrder
from core.payments.payment import Payment, Refund, RefundCause, RefundStage, foreign_refund_id, payment_id

STAGES: Mapping[RefundState, RefundStage] = {
    RefundState.PENDING: RefundStage.REQUESTED,
    RefundState.REFUNDED: RefundStage.SETTLED,
    RefundState.REFUSED: RefundStage.RELEASED,
}
OwnedReport: TypeAlias = tuple[str, GatewayReport]
"""A gateway, and what it tells."""


def apply_report(account: FeeAccount, gateway: str, report: GatewayReport, order: UUID | None, now: datetime) -> None:
    """Apply one report to the account that it is about."""
    if isinstance(report, PaymentReported):
        apply_payment(account, account.order(order or account.submission), report.payment, now)
    elif isinstance(report, RefundReported):
        apply_refund(account, gateway, report.refund, now)
    else:
        apply_chargeback(account, gateway, report, now)


def apply_payment(account: FeeAccount, order: PaymentOrder, told: GatewayPayment, now: datetime) -> None:
    """Take a captured payment, or note how far the order is."""
    if told.state is PaymentState.CAPTURED:
        account.capture(received(order, told), now)
    elif told.state is PaymentState.AUTHORISED:
        order.moves_to(OrderState.AUTHORISED)
    elif told.state is PaymentState.DECLINED and order.state is OrderState.AUTHORISED:
        order.moves_to(OrderState.UNKNOWN)  # which of its payments was declined, the gateway is asked
        order.check_at = now
    elif told.state is PaymentState.DECLINED:
        order.moves_to(OrderState.DECLINED)


def apply_payments(account: FeeAccount, order: PaymentOrder, told: Sequence[GatewayPayment], now: datetime) -> None:
    """Apply the gateway's whole list of an order's payments."""
    states = {each.state for each in told}
    for each in told:
        if each.state is PaymentState.CAPTURED:
            account.capture(received(order, each), now)
    if PaymentState.AUTHORISED in states:
        order.moves_to(OrderState.AUTHORISED)
    elif now >= order.expires_at:
        order.moves_to(OrderState.DECLINED if PaymentState.DECLINED in states else OrderState.EXPIRED)


def received(order: PaymentOrder, told: GatewayPayment) -> Payment:
    """Return a captured payment of an order."""
    return Payment(
        id=payment_id(order.gateway, told.id),
        gateway=order.gateway,
        gateway_payment=told.id,
        order=order.id,
        method=told.method,
        amount=told.amount,
        paid_at=told.at,
    )


def apply_refund(account: FeeAccount, gateway: str, told: GatewayRefund, now: datetime) -> None:
    """Record what became of a refund; one that the office did not ask for was made at the gateway's desk."""
    payment = account.payment(payment_id(gateway, told.payment))
    refund = payment.refund(told.refund or foreign_refund_id(gateway, told.id)) or Refund(
        id=foreign_refund_id(gateway, told.id),
        amount=told.amount,
        cause=RefundCause.GATEWAY,
        reserved_at=told.at,
        check_at=None,
    )
    refund.gateway_refund = told.id
    account.record_refund(payment, refund, STAGES[told.state], now)


def apply_chargeback(account: FeeAccount, gateway: str, told: ChargebackReported, now: datetime) -> None:
    """Record that a bank took an amount back, or that it came back after a won dispute."""
    payment = account.payment(payment_id(gateway, told.payment))
    chargeback = foreign_refund_id(gateway, told.chargeback)
    refund = payment.refund(chargeback) or Refund(
        id=chargeback,
        amount=told.amount,
        cause=RefundCause.CHARGEBACK,
        reserved_at=told.at,
        gateway_refund=told.chargeback,
        check_at=None,
    )
    account.record_refund(payment, refund, RefundStage.RELEASED if told.won else RefundStage.SETTLED, now)
