"""Lists of refunds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.kernel.money import Money
from core.payments.fee_account import FeeAccount
from core.payments.payment import Payment, Refund, RefundStage


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSummary:
    """A refund, and what it is about."""

    refund: UUID
    payment: UUID
    fee: UUID
    reference: str
    gateway: str
    gateway_payment: str
    amount: Money
    cause: str
    reason: str
    stage: RefundStage
    reserved_at: datetime
    checks: int
    """How often its gateway was asked."""


@dataclass(frozen=True, slots=True)
class RefundPage:
    """A page of refunds, in the order of their ids."""

    items: Sequence[RefundSummary]
    next: UUID | None
    """The `after` of the next page; None on the last one."""


def summary_of(account: FeeAccount, payment: Payment, refund: Refund) -> RefundSummary:
    """Return the summary of a refund of an account."""
    return RefundSummary(
        refund=refund.id,
        payment=payment.id,
        fee=account.submission,
        reference=account.reference,
        gateway=payment.gateway,
        gateway_payment=payment.gateway_payment,
        amount=refund.amount,
        cause=refund.cause,
        reason=refund.reason,
        stage=refund.stage,
        reserved_at=refund.reserved_at,
        checks=refund.checks,
    )
