"""Show a batch."""

from dataclasses import dataclass
from functools import partial

from core.inventory.errors import UnknownBatch
from core.inventory.freshness import Freshness, may_be_older
from core.inventory.stock import Stock
from core.inventory.views import Seen, StockViews, Written
from core.shared.signals import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """A batch as it is seen."""

    batch: Stock
    caught_up: bool | None
    """Whether this is as new as was asked for; null: nothing was."""


@dataclass(frozen=True, slots=True)
class ShowBatch:
    """Show how much of a batch is left."""

    views: StockViews
    written: Written
    seen: Seen
    signals: Signals

    async def __call__(self, reference: str, freshness: Freshness) -> BatchView:
        """Return what the view tells; raise `UnknownBatch` where it tells nothing."""
        caught_up = await freshness.awaited(partial(self.written.of_batch, reference), self.seen, self.signals)
        if (batch := await self.views.batch(reference)) is None:
            raise UnknownBatch(f"there is no batch {reference[:64]!r}{may_be_older(caught_up)}")
        return BatchView(batch=batch, caught_up=caught_up)
