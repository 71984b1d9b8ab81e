"""Show what an order has."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from core.inventory.errors import UnknownOrder
from core.inventory.freshness import Freshness, staleness_hint
from core.inventory.order_line import OrderLine
from core.inventory.views import ProjectionProgress, StockViews, StoredVersions
from core.kernel.signals import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAllocations:
    """The lines of an order, those that it has no longer included."""

    order: str
    lines: Sequence[OrderLine]
    caught_up: bool | None
    """Whether they are as new as was asked for; null: nothing was."""


@dataclass(frozen=True, slots=True)
class ShowAllocations:
    """Show which batches an order gets its pieces from, why those, and what was passed over."""

    views: StockViews
    stored_versions: StoredVersions
    projection_progress: ProjectionProgress
    signals: Signals

    async def __call__(self, order: str, freshness: Freshness) -> OrderAllocations:
        """Return the lines as the view tells them; raise `UnknownOrder` where it tells of none."""
        caught_up = await freshness.wait_for(
            partial(self.stored_versions.of_order, order), self.projection_progress, self.signals
        )
        if not (lines := await self.views.order(order)):
            raise UnknownOrder(f"no order {order[:64]!r} ever asked for anything{staleness_hint(caught_up)}")
        return OrderAllocations(order=order, lines=lines, caught_up=caught_up)
