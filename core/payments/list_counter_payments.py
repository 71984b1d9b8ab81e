"""List counter payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.payments.counter_payment import CounterReceipt, CounterState
from core.payments.ports import DeskRecords


@dataclass(frozen=True, slots=True)
class CounterPage:
    """A page of counter payments, the oldest first."""

    items: Sequence[CounterReceipt]
    next: UUID | None
    """The `after` of the next page; None on the last one."""


@requires(Permission.PAYMENTS_READ)
@dataclass(frozen=True, slots=True)
class ListCounterPayments:
    """Return counter payments of one state."""

    desk: DeskRecords

    async def __call__(self, state: CounterState, after: UUID | None, limit: int) -> CounterPage:
        """Return a page of them."""
        found = await self.desk.counter_payments(state, after, limit + 1)
        items = [CounterReceipt.of(each) for each in found[:limit]]
        return CounterPage(items, items[-1].id if len(found) > limit else None)
