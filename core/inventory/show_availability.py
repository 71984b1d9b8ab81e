"""Show what is left of a sku."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby

from core.inventory.errors import UnknownSku
from core.inventory.freshness import Freshness, staleness_hint
from core.inventory.stock_level import StockLevel
from core.inventory.views import ProjectionProgress, StockViews, StoredVersions
from core.kernel.signals import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How many pieces there will be."""

    on: date | None
    """From this day on; null: they are in the warehouse."""
    pieces: int
    """Those that were there before included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """What nobody has been given yet."""

    sku: str
    on: date | None
    pieces: int
    """That are there on that day; without a day, all that ever arrive."""
    arrivals: Sequence[Arrival]
    batches: Sequence[StockLevel]
    """Those that have something left, the warehouse first, then as they arrive."""
    version: int
    """The sku's version when it was so."""
    caught_up: bool | None
    """Whether this is as new as was asked for; null: nothing was."""


@dataclass(frozen=True, slots=True)
class ShowAvailability:
    """Show how many pieces are left, on a day and after each arrival."""

    views: StockViews
    stored_versions: StoredVersions
    projection_progress: ProjectionProgress
    signals: Signals

    async def __call__(self, sku: str, on: date | None, freshness: Freshness) -> Availability:
        """Return what the view tells; raise `UnknownSku` where it tells of none."""
        caught_up = await freshness.wait_for(
            partial(self.stored_versions.of_sku, sku), self.projection_progress, self.signals
        )
        if (known := await self.views.sku(sku)) is None:
            raise UnknownSku(f"nothing of sku {sku[:64]!r} was ever bought{staleness_hint(caught_up)}")
        arrivals = list(cumulative_arrivals(known.batches))
        there = [each.pieces for each in arrivals if on is None or (each.on or date.min) <= on]
        return Availability(
            sku=sku,
            on=on,
            pieces=there[-1] if there else 0,
            arrivals=arrivals,
            batches=known.batches,
            version=known.version,
            caught_up=caught_up,
        )


def cumulative_arrivals(batches: Sequence[StockLevel]) -> Iterator[Arrival]:
    """Add up what there is after each arrival."""
    pieces = 0
    for eta, those in groupby(batches, key=lambda batch: batch.eta):
        pieces += sum(batch.available for batch in those)
        yield Arrival(on=eta, pieces=pieces)
