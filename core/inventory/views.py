"""What people see of the stores: projections of their events, as new as the last that was taken in."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from core.inventory.batch import Batch
from core.inventory.events import (
    Allocated,
    ArrivalChanged,
    BatchCreated,
    BatchQuantityChanged,
    Deallocated,
    HoldMoved,
    Queued,
    Shipped,
    StockEvent,
)
from core.inventory.order_line import OrderLine
from core.inventory.stock_level import StockLevel

STOCK_VIEWS_CHANGED = "sku_views"
"""The signal that rings when the views were changed in this process."""


@dataclass(frozen=True, slots=True)
class StockDelta:
    """What events tell: of each thing the newest."""

    lines: Mapping[tuple[str, str], OrderLine]
    """By order and sku."""
    batches: Mapping[str, StockLevel]
    """By reference."""
    skus: Mapping[str, int]
    """By name: the version."""

    @classmethod
    def of(cls, events: Iterable[StockEvent]) -> Self:
        """Read events, in whatever order they come."""
        lines, batches, skus = dict[tuple[str, str], OrderLine](), dict[str, StockLevel](), dict[str, int]()
        for event in sorted(events, key=lambda event: event.version):
            changed, line = told(event)
            skus[event.sku] = event.version
            batches |= {batch.reference: StockLevel.told(batch, event.sku, event.version) for batch in changed}
            if line is not None:
                lines[line.order, line.sku] = line
        return cls(lines, batches, skus)


def told(event: StockEvent) -> tuple[Sequence[Batch], OrderLine | None]:
    """Return the batches and the line that an event changed, as they were after it."""
    match event:
        case BatchCreated() | BatchQuantityChanged() | ArrivalChanged():
            return (event.batch,), None
        case Allocated() | Deallocated() | Shipped():
            return event.batches, event.line
        case Queued() | HoldMoved():
            return (), event.line
        case _:
            return (), None


class StockProjection(Protocol):
    """The views, for whoever keeps them up to date."""

    @abstractmethod
    async def generations(self) -> Collection[int]:
        """Return the generation that is read and the one that is being built, as of this moment."""

    @abstractmethod
    def put(self, generation: int, delta: StockDelta) -> None:
        """Take over what is newer than what is there."""


@dataclass(frozen=True, slots=True)
class SkuView:
    """What is seen of a sku."""

    version: int
    batches: Sequence[StockLevel]
    """Those that have something left, the warehouse first, then as they arrive."""


class StockViews(Protocol):
    """The views, for people who look at them."""

    @abstractmethod
    async def order(self, order: str) -> Sequence[OrderLine]:
        """Return every line the order ever had, as it is now, by sku."""

    @abstractmethod
    async def sku(self, sku: str) -> SkuView | None:
        """Return what is left of a sku."""

    @abstractmethod
    async def batch(self, reference: str) -> StockLevel | None:
        """Return a batch."""


class StoredVersions(Protocol):
    """What is stored, which the views follow: by sku, the version that somebody who looks now should see."""

    @abstractmethod
    async def of_order(self, order: str) -> Mapping[str, int]:
        """Return when the lines of an order last changed."""

    @abstractmethod
    async def of_sku(self, sku: str) -> Mapping[str, int]:
        """Return where a sku stands; nothing for one there is not."""

    @abstractmethod
    async def of_batch(self, reference: str) -> Mapping[str, int]:
        """Return where the sku of a batch stands; nothing for one there is not."""


class ProjectionProgress(Protocol):
    """How far the views have come."""

    @abstractmethod
    async def version(self, sku: str) -> int:
        """Return up to which event of a sku they have come; 0 for one they know nothing of."""

    @abstractmethod
    async def oldest_unprojected_at(self) -> datetime | None:
        """Return when the oldest event happened that has not come into them; None when they know everything."""
