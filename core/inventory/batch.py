"""A batch: goods bought together, in the warehouse or on their way."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from core.inventory.errors import AlreadyShipped, QuantityBelowShipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """So many pieces of a sku; what was purchased is available or allocated, and nothing else."""

    reference: str
    purchased: int
    allocated: int = 0
    """Pieces that belong to order lines, those that have left the stores included."""
    shipped: int = 0
    eta: date | None = None
    """When it arrives; None: it is in the warehouse."""
    number: int
    """Of two that arrive on the same day, the lower one was announced first."""

    @property
    def available(self) -> int:
        """Return how many pieces belong to nobody."""
        return self.purchased - self.allocated

    @property
    def order(self) -> tuple[date, int]:
        """Return what sorts batches as they are preferred: the warehouse first, then the earliest arrival."""
        return self.eta or date.min, self.number

    def take(self, pieces: int) -> Self:
        """Let pieces belong to a line."""
        assert 0 < pieces <= self.available  # noqa: S101 - or we would sell what is not there
        return replace(self, allocated=self.allocated + pieces)

    def deallocate(self, pieces: int) -> Self:
        """Let pieces belong to nobody again."""
        assert 0 < pieces <= self.allocated - self.shipped  # noqa: S101 - or pieces would be made from nothing
        return replace(self, allocated=self.allocated - pieces)

    def ship(self, pieces: int) -> Self:
        """Let pieces leave the stores."""
        if pieces > self.allocated - self.shipped:
            raise AlreadyShipped(f"batch {self.reference} has no such pieces left to ship")
        return replace(self, shipped=self.shipped + pieces)

    def overallocated_by(self, quantity: int) -> int:
        """Return how many allocated pieces are too many for such a quantity; raise `QuantityBelowShipped`."""
        if quantity < self.shipped:
            raise QuantityBelowShipped(
                f"{self.shipped} pieces of {self.reference} have left the stores, so it had at least as many",
                facts={"shipped": str(self.shipped)},
            )
        return max(0, self.allocated - quantity)

    def resize(self, quantity: int) -> Self:
        """Change what was purchased, down to what is allocated."""
        assert not self.overallocated_by(quantity)  # noqa: S101 - or lines would have what is gone
        return replace(self, purchased=quantity)
