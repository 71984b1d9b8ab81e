"""The shelf of a sku: its batches, in the warehouse and on their way."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.inventory.batch import Batch
from core.inventory.batch_selection import BatchSelection, select_batches, splittable_quantity
from core.inventory.order_line import AllocationPart


@dataclass(slots=True, eq=False)
class SkuStock:
    """Batches, and which of them are no longer as they are stored."""

    batches: dict[str, Batch] = field(default_factory=dict)
    """By reference: those that have something left, and those that are concerned otherwise."""
    new: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    order: list[str] = field(default_factory=list)
    """References as they are preferred, once somebody wanted to know: a sku may have thousands of batches."""

    def add(self, batch: Batch) -> None:
        """Put a new batch on it."""
        self.batches[batch.reference] = batch
        self.new.add(batch.reference)

    def put(self, *batches: Batch) -> tuple[Batch, ...]:
        """Let batches be as they are from now on, and return them."""
        if any(batch.eta != self.batches[batch.reference].eta for batch in batches):
            self.order.clear()
        self.batches |= {batch.reference: batch for batch in batches}
        self.changed.update(batch.reference for batch in batches)
        return batches

    def take(self, parts: Iterable[AllocationPart]) -> tuple[Batch, ...]:
        """Let pieces belong to a line, and return the batches they come from."""
        return self.put(*[self.batches[part.batch].take(part.quantity) for part in parts])

    def deallocate(self, parts: Iterable[AllocationPart]) -> tuple[Batch, ...]:
        """Let pieces belong to nobody again, and return the batches they came from."""
        return self.put(*[self.batches[part.batch].deallocate(part.quantity) for part in parts])

    def ship(self, parts: Iterable[AllocationPart]) -> tuple[Batch, ...]:
        """Let pieces leave the stores, and return the batches they come from."""
        return self.put(*[self.batches[part.batch].ship(part.quantity) for part in parts])

    def select_batches(self, quantity: int, *, split: bool) -> BatchSelection | None:
        """Return the best batches for so many pieces, None if there are not enough."""
        return select_batches(self.preferred, quantity, split=split)

    @property
    def preferred(self) -> list[Batch]:
        """The warehouse first, then the earliest arrival."""
        if len(self.order) != len(self.batches):
            self.order = sorted(self.batches, key=lambda reference: self.batches[reference].order)
        return [self.batches[reference] for reference in self.order]

    @property
    def most(self) -> int:
        """How many pieces the batch has that has the most left."""
        return max((batch.available for batch in self.batches.values()), default=0)

    @property
    def left(self) -> int:
        """How many pieces a line can have that may be split."""
        return splittable_quantity(self.preferred)
