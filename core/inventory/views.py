"""The projection of stock events, and the ports that read it."""

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
"""The signal that a process sends after it changed the views."""


@dataclass(frozen=True, slots=True)
class StockDelta:
    """The newest state of each line, batch and sku in a sequence of events."""

    lines: Mapping[tuple[str, str], OrderLine]
    """By order and sku."""
    batches: Mapping[str, StockLevel]
    """By reference."""
    skus: Mapping[str, int]
    """The version by name."""

    @classmethod
    def of(cls, events: Iterable[StockEvent]) -> Self:
        """Reduce events in any order to the newest states."""
        lines, batches, skus = dict[tuple[str, str], OrderLine](), dict[str, StockLevel](), dict[str, int]()
        for event in sorted(events, key=lambda event: event.version):
            changed, line = state_after(event)
            skus[event.sku] = event.version
            batches |= {batch.reference: StockLevel.from_batch(batch, event.sku, event.version) for batch in changed}
            if line is not None:
                lines[line.order, line.sku] = line
        return cls(lines, batches, skus)


def state_after(event: StockEvent) -> tuple[Sequence[Batch], OrderLine | None]:
    """Return the state of the batches and the line after an event."""
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
    """Writes to the views."""

    @abstractmethod
    async def generations(self) -> Collection[int]:
        """Return the generation that is read, and the one that is being built if a rebuild runs."""

    @abstractmethod
    def put(self, generation: int, delta: StockDelta) -> None:
        """Store the states that are newer than the stored ones."""


@dataclass(frozen=True, slots=True)
class SkuView:
    """A sku in the views."""

    version: int
    batches: Sequence[StockLevel]
    """Those with available pieces: the warehouse first, then by arrival."""


class StockViews(Protocol):
    """Queries of the views."""

    @abstractmethod
    async def order(self, order: str) -> Sequence[OrderLine]:
        """Return all lines of an order by sku, including ended ones."""

    @abstractmethod
    async def sku(self, sku: str) -> SkuView | None:
        """Return a sku with its available batches."""

    @abstractmethod
    async def batch(self, reference: str) -> StockLevel | None:
        """Return the level of a batch."""


class StoredVersions(Protocol):
    """The stored versions by sku, which a view must contain to be current."""

    @abstractmethod
    async def of_order(self, order: str) -> Mapping[str, int]:
        """Return for each sku of an order the version of its last change of the order's line."""

    @abstractmethod
    async def of_sku(self, sku: str) -> Mapping[str, int]:
        """Return the version of a sku; empty if it does not exist."""

    @abstractmethod
    async def of_batch(self, reference: str) -> Mapping[str, int]:
        """Return the version of the sku of a batch; empty if the batch does not exist."""


class ProjectionProgress(Protocol):
    """The progress of the projection."""

    @abstractmethod
    async def version(self, sku: str) -> int:
        """Return the version of a sku in the views; 0 if they do not contain it."""

    @abstractmethod
    async def oldest_unprojected_at(self) -> datetime | None:
        """Return the time of the oldest event that the views do not contain; None if they contain all."""
