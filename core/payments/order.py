"""Orders: attempts to pay at a gateway, and their states."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
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

    def moves_to(self, state: OrderState) -> bool:
        """Take the state if it may follow the present one; tell whether it was taken."""
        if state not in NEXT[self.state]:
            return False
        self.state = state
        return True
