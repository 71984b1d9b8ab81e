"""Orders: attempts to pay at a gateway, and their states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from core.kernel.money import Money
from core.payments.gateway import Checkout


class OrderState(StrEnum):
    """The state of an attempt."""

    OPENED = "opened"
    AUTHORISED = "authorised"
    """The payer is debited, or will be; the money is not here."""
    CAPTURED = "captured"
    DECLINED = "declined"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    """The gateway could not say what became of it."""


class PaidPart(StrEnum):
    """What of a fee an order pays; no client names an amount."""

    DUE = "due"
    """The overdue instalments with their fines, or else the next one."""
    ALL = "all"
    """Everything that is owed."""


UNDER_WAY = frozenset({OrderState.OPENED, OrderState.AUTHORISED, OrderState.UNKNOWN})
"""While an order is in one of these, a second attempt could be paid as well."""
PENDING = frozenset({OrderState.AUTHORISED, OrderState.UNKNOWN})
"""The payer may be debited."""
NEXT: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.OPENED: frozenset(OrderState) - {OrderState.OPENED},
    OrderState.AUTHORISED: frozenset(
        {OrderState.CAPTURED, OrderState.DECLINED, OrderState.EXPIRED, OrderState.UNKNOWN}
    ),
    OrderState.UNKNOWN: frozenset(OrderState) - {OrderState.OPENED, OrderState.UNKNOWN},
    # A bank authorises late what it declined, and a payer pays on a page that has expired.
    OrderState.DECLINED: frozenset({OrderState.AUTHORISED, OrderState.CAPTURED, OrderState.EXPIRED}),
    OrderState.EXPIRED: frozenset({OrderState.AUTHORISED, OrderState.CAPTURED}),
    OrderState.CAPTURED: frozenset(),
}
"""Every transition; a report of any other one is late, and changes nothing."""


@dataclass(slots=True, kw_only=True, eq=False)
class PaymentOrder:
    """One attempt to pay a fee at a gateway."""

    id: UUID
    gateway: str
    amount: Money
    state: OrderState = OrderState.OPENED
    opened_at: datetime
    """When the payment was started: by this moment its deadline is judged."""
    expires_at: datetime
    gateway_order: str = ""
    """Empty until the gateway has answered."""
    checkout: Checkout | None = None
    check_at: datetime | None
    """When the gateway is asked next; None: no more."""
    checks: int = 0

    @property
    def is_unseen(self) -> bool:
        """Return whether no payer was told where to pay."""
        return self.state is OrderState.OPENED and not self.gateway_order

    def moves_to(self, state: OrderState) -> bool:
        """Take the state if it may follow the present one; tell whether it was taken."""
        if state not in NEXT[self.state]:
            return False
        self.state = state
        return True


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """How long a payer may pay an order, and when its gateway is asked what became of it."""

    lifetime: timedelta = timedelta(minutes=35)
    """Longer than 30 minutes, Stripe's shortest; afterwards another attempt may begin."""
    check_after: Sequence[timedelta] = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
    """After the opening; the last is also the interval while the payer may be debited."""

    def next_check(self, order: PaymentOrder, now: datetime) -> datetime | None:
        """Return when the gateway is asked next, also at the end of the order; None: no more.

        An order that is paid could be paid again, and the webhook be lost: it is asked about once more at the end.
        """
        moments = sorted([order.expires_at, *[order.opened_at + after for after in self.check_after]])
        moments = moments[-1:] if order.state is OrderState.CAPTURED else moments
        later = next((moment for moment in moments if moment > now), None)
        return later or (now + self.check_after[-1] if order.state in PENDING else None)
