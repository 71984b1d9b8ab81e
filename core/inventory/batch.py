"""A batch: pieces of one sku that were purchased together, in the warehouse or in transit."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from core.inventory.errors import AlreadyShipped, QuantityBelowShipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A number of pieces of one sku; `purchased` = `available` + `allocated`."""

    reference: str
    purchased: int
    allocated: int = 0
    """Pieces that belong to order lines, including shipped ones."""
    shipped: int = 0
    eta: date | None = None
    """The day of its arrival; None: it is in the warehouse."""
    number: int
    """Orders batches that arrive on the same day: the lower number was created first."""

    @property
    def available(self) -> int:
        """Return the number of pieces that no line has."""
        return self.purchased - self.allocated

    @property
    def preference(self) -> tuple[date, int]:
        """Return the sort key of the allocation order: the warehouse first, then the earliest arrival."""
        return self.eta or date.min, self.number

    def allocate(self, pieces: int) -> Self:
        """Move pieces from available to allocated."""
        assert 0 < pieces <= self.available  # noqa: S101 - a larger number would oversell the batch
        return replace(self, allocated=self.allocated + pieces)

    def deallocate(self, pieces: int) -> Self:
        """Move unshipped pieces from allocated to available."""
        assert 0 < pieces <= self.allocated - self.shipped  # noqa: S101 - a larger number would create pieces
        return replace(self, allocated=self.allocated - pieces)

    def ship(self, pieces: int) -> Self:
        """Mark allocated pieces as shipped; raise `AlreadyShipped`."""
        if pieces > self.allocated - self.shipped:
            raise AlreadyShipped(
                f"batch {self.reference} has fewer than {pieces} allocated pieces that are not shipped"
            )
        return replace(self, shipped=self.shipped + pieces)

    def overallocated_by(self, quantity: int) -> int:
        """Return by how much the allocated pieces exceed a quantity; raise `QuantityBelowShipped`."""
        if quantity < self.shipped:
            raise QuantityBelowShipped(
                f"{self.shipped} pieces of {self.reference} were shipped: the quantity cannot be below that",
                facts={"shipped": str(self.shipped)},
            )
        return max(0, self.allocated - quantity)

    def resize(self, quantity: int) -> Self:
        """Change the purchased quantity, which cannot fall below the allocated one."""
        assert not self.overallocated_by(quantity)  # noqa: S101 - lines would keep pieces that do not exist
        return replace(self, purchased=quantity)
