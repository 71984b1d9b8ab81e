"""Show a batch."""

from dataclasses import dataclass
from functools import partial

from core.inventory.errors import UnknownBatch
from core.inventory.freshness import Freshness, staleness_hint
from core.inventory.stock_level import StockLevel
from core.inventory.views import ProjectionProgress, StockViews, StoredVersions
from core.kernel.authorization import Permission, requires
from core.kernel.signals import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """A batch in the view."""

    batch: StockLevel
    caught_up: bool | None
    """Whether the view contains the required version; null: none was required."""


@requires(Permission.STOCK_READ)
@dataclass(frozen=True, slots=True)
class ShowBatch:
    """Show the stock level of a batch."""

    views: StockViews
    stored_versions: StoredVersions
    projection_progress: ProjectionProgress
    signals: Signals

    async def __call__(self, reference: str, freshness: Freshness) -> BatchView:
        """Return the batch in the view; raise `UnknownBatch` if it does not contain it."""
        stored = partial(self.stored_versions.of_batch, reference)
        caught_up = await freshness.wait_for(stored, self.projection_progress, self.signals)
        if (batch := await self.views.batch(reference)) is None:
            raise UnknownBatch.named(reference, hint=staleness_hint(caught_up))
        return BatchView(batch=batch, caught_up=caught_up)
