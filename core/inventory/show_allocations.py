"""Show the allocations of an order."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from core.inventory.errors import UnknownOrder
from core.inventory.freshness import Freshness, staleness_hint
from core.inventory.order_line import OrderLine
from core.inventory.views import ProjectionProgress, StockViews, StoredVersions
from core.kernel.authorization import Permission, requires
from core.kernel.signals import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAllocations:
    """The lines of an order, including ended ones."""

    order: str
    lines: Sequence[OrderLine]
    caught_up: bool | None
    """Whether the view contains the required version; null: none was required."""


@requires(Permission.STOCK_READ)
@dataclass(frozen=True, slots=True)
class ShowAllocations:
    """Show the batches that supply an order, the reason for each, and the skipped batches."""

    views: StockViews
    stored_versions: StoredVersions
    projection_progress: ProjectionProgress
    signals: Signals

    async def __call__(self, order: str, freshness: Freshness) -> OrderAllocations:
        """Return the lines in the view; raise `UnknownOrder` if it contains none."""
        caught_up = await freshness.wait_for(
            partial(self.stored_versions.of_order, order), self.projection_progress, self.signals
        )
        if not (lines := await self.views.order(order)):
            raise UnknownOrder(f"order {order[:64]!r} has no lines{staleness_hint(caught_up)}")
        return OrderAllocations(order=order, lines=lines, caught_up=caught_up)
