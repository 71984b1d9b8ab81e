"""Show a batch."""

from dataclasses import dataclass
from functools import partial

from core.inventory.errors import UnknownBatch
from core.inventory.freshness import Freshness, staleness_hint
from core.inventory.stock_level import StockLevel
from core.inventory.views import ProjectionProgress, StockViews, StoredVersions
from core.kernel.signals import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """A batch as it is seen."""

    batch: StockLevel
    caught_up: bool | None
    """Whether this is as new as was asked for; null: nothing was."""


@dataclass(frozen=True, slots=True)
class ShowBatch:
    """Show how much of a batch is left."""

    views: StockViews
    stored_versions: StoredVersions
    projection_progress: ProjectionProgress
    signals: Signals

    async def __call__(self, reference: str, freshness: Freshness) -> BatchView:
        """Return what the view tells; raise `UnknownBatch` where it tells nothing."""
        stored = partial(self.stored_versions.of_batch, reference)
        caught_up = await freshness.wait_for(stored, self.projection_progress, self.signals)
        if (batch := await self.views.batch(reference)) is None:
            raise UnknownBatch(f"there is no batch {reference[:64]!r}{staleness_hint(caught_up)}")
        return BatchView(batch=batch, caught_up=caught_up)
