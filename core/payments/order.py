"""Orders: attempts to pay at a gateway, and their states."""

from collections.abc import Mapping
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


FIRST_CHECK, SECOND_CHECK, LATER = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)
"""After an order was opened its gateway is asked what became of it, also when its page expires; then daily."""


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

    def schedule_check(self, now: datetime) -> None:
        """Set when the gateway is asked next: after 5 minutes, an hour, a day; daily while the payer may be debited."""
        moments = (self.opened_at + FIRST_CHECK, self.expires_at, self.opened_at + SECOND_CHECK, self.opened_at + LATER)
        later = [moment for moment in moments if moment > now]
        self.check_at = later[0] if later else now + LATER if self.state in PENDING else None
