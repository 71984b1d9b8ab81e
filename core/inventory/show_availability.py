"""Show the availability of a sku."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby

from core.inventory.errors import UnknownSku
from core.inventory.freshness import Freshness, staleness_hint
from core.inventory.stock_level import StockLevel
from core.inventory.views import ProjectionProgress, StockViews, StoredVersions
from core.kernel.authorization import Permission, requires
from core.kernel.signals import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The available quantity from an arrival on."""

    on: date | None
    """The first day on which the pieces are available; null: they are in the warehouse."""
    pieces: int
    """Including those of earlier arrivals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """The pieces of a sku that no line has."""

    sku: str
    on: date | None
    pieces: int
    """Available on that day; without a day, after all arrivals."""
    arrivals: Sequence[Arrival]
    batches: Sequence[StockLevel]
    """Those with available pieces: the warehouse first, then by arrival."""
    version: int
    """The version of the sku that the view contains."""
    caught_up: bool | None
    """Whether the view contains the required version; null: none was required."""


@requires(Permission.STOCK_READ)
@dataclass(frozen=True, slots=True)
class ShowAvailability:
    """Show the available quantity on a day and after each arrival."""

    views: StockViews
    stored_versions: StoredVersions
    projection_progress: ProjectionProgress
    signals: Signals

    async def __call__(self, sku: str, on: date | None, freshness: Freshness) -> Availability:
        """Return the availability in the view; raise `UnknownSku` if it does not contain the sku."""
        caught_up = await freshness.wait_for(
            partial(self.stored_versions.of_sku, sku), self.projection_progress, self.signals
        )
        if (known := await self.views.sku(sku)) is None:
            raise UnknownSku.named(sku, hint=staleness_hint(caught_up))
        arrivals = list(cumulative_arrivals(known.batches))
        available = [each.pieces for each in arrivals if on is None or (each.on or date.min) <= on]
        return Availability(
            sku=sku,
            on=on,
            pieces=available[-1] if available else 0,
            arrivals=arrivals,
            batches=known.batches,
            version=known.version,
            caught_up=caught_up,
        )


def cumulative_arrivals(batches: Sequence[StockLevel]) -> Iterator[Arrival]:
    """Return the cumulative available quantity after each arrival."""
    pieces = 0
    for eta, arriving in groupby(batches, key=lambda batch: batch.eta):
        pieces += sum(batch.available for batch in arriving)
        yield Arrival(on=eta, pieces=pieces)
