"""What people see of a batch."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Self

from core.inventory.batch import Batch
from core.inventory.events import Allocated, Deallocated, StockEvent
from core.inventory.sku import Sku


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLevel:
    """A batch, and how much of it is left; `purchased` = `available` + `allocated`, always."""

    reference: str
    sku: str
    purchased: int
    available: int
    allocated: int
    """Those that have left the stores included."""
    shipped: int
    eta: date | None
    version: int
    """The sku's version when it was so."""

    @classmethod
    def of(cls, sku: Sku, reference: str) -> Self:
        """Show a batch as it is now."""
        return cls.told(sku.stock.batches[reference], sku.name, sku.version)

    @classmethod
    def told(cls, batch: Batch, sku: str, version: int) -> Self:
        """Show a batch as it was at a version of its sku."""
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
    """A batch after a change, and what that meant for order lines."""

    batch: StockLevel
    gave_up: int
    """Lines that lost their pieces."""
    served: int
    """Lines that got pieces: of those that lost theirs, and of those that waited."""

    @classmethod
    def of(cls, sku: Sku, reference: str, events: Iterable[StockEvent]) -> Self:
        """Count what happened."""
        kinds = [type(event) for event in events]
        return cls(batch=StockLevel.of(sku, reference), gave_up=kinds.count(Deallocated), served=kinds.count(Allocated))
