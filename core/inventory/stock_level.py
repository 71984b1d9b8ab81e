"""Read models of a batch."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Self

from core.inventory.batch import Batch
from core.inventory.events import Allocated, Deallocated, StockEvent
from core.inventory.sku import Sku


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLevel:
    """The quantities of a batch; `purchased` = `available` + `allocated`."""

    reference: str
    sku: str
    purchased: int
    available: int
    allocated: int
    """Including shipped pieces."""
    shipped: int
    eta: date | None
    version: int
    """The version of the sku with these quantities."""

    @classmethod
    def of(cls, sku: Sku, reference: str) -> Self:
        """Return the current level of a batch."""
        return cls.from_batch(sku.stock.batches[reference], sku.name, sku.version)

    @classmethod
    def from_batch(cls, batch: Batch, sku: str, version: int) -> Self:
        """Return the level of a batch at a version of its sku."""
        return cls(
            reference=batch.reference,
            sku=sku,
            purchased=batch.purchased,
            available=batch.available,
            allocated=batch.allocated,
            shipped=batch.shipped,
            eta=batch.eta,
            version=version,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StockChange:
    """A batch after a change, and the number of order lines that the change affected."""

    batch: StockLevel
    gave_up: int
    """Lines that were deallocated."""
    served: int
    """Lines that were allocated, deallocated ones of this change included."""

    @classmethod
    def of(cls, sku: Sku, reference: str, events: Iterable[StockEvent]) -> Self:
        """Count the deallocations and allocations in the events of a change."""
        kinds = [type(event) for event in events]
        return cls(batch=StockLevel.of(sku, reference), gave_up=kinds.count(Deallocated), served=kinds.count(Allocated))
