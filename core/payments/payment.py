"""Payments that were received, and their refunds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from core.kernel.money import Money

COUNTER = "counter"
"""Stands for a gateway where a clerk took the money."""
PAYMENTS = UUID("5b7c1d1e-52f5-4f0e-9a3e-7f5f1f6f2a10")
"""The namespace of ids that follow from other ids."""


def payment_id(gateway: str, gateway_payment: str) -> UUID:
    """Return the id of a payment: every report of one payment names the same."""
    return uuid5(PAYMENTS, f"{gateway}:{gateway_payment}")


def surplus_refund_id(payment: "Payment") -> UUID:
    """Return the id of the next refund of a surplus, the same for a repeated decision."""
    return uuid5(payment.id, f"surplus:{len(payment.refunds)}")


def foreign_refund_id(gateway: str, gateway_refund: str) -> UUID:
    """Return the id of a refund or chargeback that the office did not ask for."""
    return uuid5(PAYMENTS, f"{gateway}:refund:{gateway_refund}")


class RefundStage(StrEnum):
    """The state of a refund."""

    RESERVED = "reserved"
    """No gateway was asked."""
    REQUESTED = "requested"
    UNKNOWN = "unknown"
    """The gateway may have given the amount back; a person decides where it cannot say."""
    SETTLED = "settled"
    RELEASED = "released"
    """The gateway certainly gave nothing back."""


OPEN = frozenset({RefundStage.RESERVED, RefundStage.REQUESTED, RefundStage.UNKNOWN})
"""The amount is promised, and cannot be promised again."""


NEXT_STAGES: Mapping[RefundStage | None, frozenset[RefundStage]] = {
    None: frozenset(RefundStage),
    RefundStage.RESERVED: frozenset(RefundStage) - {RefundStage.RESERVED},
    RefundStage.REQUESTED: frozenset({RefundStage.UNKNOWN, RefundStage.SETTLED, RefundStage.RELEASED}),
    RefundStage.UNKNOWN: frozenset({RefundStage.REQUESTED, RefundStage.SETTLED, RefundStage.RELEASED}),
    RefundStage.SETTLED: frozenset({RefundStage.RELEASED}),  # the bank returned the amount, a dispute was won
    RefundStage.RELEASED: frozenset(),
}
"""Every transition, None for a refund that the office did not ask for; a report of any other one changes nothing."""


class RefundCause(StrEnum):
    """Why an amount goes back."""

    SURPLUS = "surplus"
    """More was paid than is owed."""
    DECISION = "decision"
    """An officer decided it."""
    GATEWAY = "gateway"
    """It was made at the gateway's own desk."""
    CHARGEBACK = "chargeback"
    """The bank of the payer took it back."""
    BOUNCED = "bounced"
    """The cheque was not paid."""


TAKEN_BACK = frozenset({RefundCause.CHARGEBACK, RefundCause.BOUNCED})
"""Causes that no gateway is asked for: the amount is gone already."""


@dataclass(slots=True, kw_only=True, eq=False)
class Refund:
    """An amount of a payment that goes back."""

    id: UUID
    amount: Money
    cause: RefundCause
    reason: str = ""
    stage: RefundStage = RefundStage.RESERVED
    reserved_at: datetime
    gateway_refund: str = ""
    check_at: datetime | None
    """When the gateway is asked next; None: no more."""
    checks: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class Payment:
    """An amount that was received for a fee."""

    id: UUID
    gateway: str
    """`counter` for what a clerk took."""
    gateway_payment: str
    order: UUID | None = None
    method: str = ""
    amount: Money
    paid_at: datetime
    late: bool = False
    """It was started in time, and arrived after the deadline."""
    refunds: list[Refund] = field(default_factory=list)

    @property
    def received(self) -> Money:
        """Return what is left of the amount at the office now."""
        return self.amount - self._refunded(frozenset({RefundStage.SETTLED}))

    @property
    def refundable(self) -> Money:
        """Return what no refund has taken or reserved."""
        return self.amount - self._refunded(OPEN | {RefundStage.SETTLED})

    @property
    def refused_surplus(self) -> bool:
        """Return whether a surplus could not go back: a person decides about it."""
        return any(each.cause is RefundCause.SURPLUS and each.stage is RefundStage.RELEASED for each in self.refunds)

    def refund(self, refund: UUID) -> Refund | None:
        """Return the refund of this id."""
        return next((each for each in self.refunds if each.id == refund), None)

    def _refunded(self, stages: frozenset[RefundStage]) -> Money:
        amounts = [each.amount.minor for each in self.refunds if each.stage in stages]
        return Money(sum(amounts), self.amount.currency)
