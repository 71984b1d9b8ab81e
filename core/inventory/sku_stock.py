"""The batches of a sku in the warehouse and in transit."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.inventory.batch import Batch
from core.inventory.batch_selection import BatchSelection, select_batches, splittable_quantity
from core.inventory.order_line import AllocationPart


@dataclass(slots=True, eq=False)
class SkuStock:
    """Batches, and the references of those that differ from the stored ones."""

    batches: dict[str, Batch] = field(default_factory=dict)
    """The loaded batches by reference."""
    added: set[str] = field(default_factory=set)
    modified: set[str] = field(default_factory=set)
    preference_order: list[str] = field(default_factory=list)
    """References in order of preference, sorted at the first use: a sku may have thousands of batches."""

    def add(self, batch: Batch) -> None:
        """Add a new batch."""
        self.batches[batch.reference] = batch
        self.added.add(batch.reference)

    def replace_batches(self, *batches: Batch) -> tuple[Batch, ...]:
        """Replace batches by reference, and return them."""
        if any(batch.eta != self.batches[batch.reference].eta for batch in batches):
            self.preference_order.clear()
        self.batches |= {batch.reference: batch for batch in batches}
        self.modified.update(batch.reference for batch in batches)
        return batches

    def allocate(self, parts: Iterable[AllocationPart]) -> tuple[Batch, ...]:
        """Allocate parts of a line, and return the changed batches."""
        return self.replace_batches(*[self.batches[part.batch].allocate(part.quantity) for part in parts])

    def deallocate(self, parts: Iterable[AllocationPart]) -> tuple[Batch, ...]:
        """Deallocate parts of a line, and return the changed batches."""
        return self.replace_batches(*[self.batches[part.batch].deallocate(part.quantity) for part in parts])

    def ship(self, parts: Iterable[AllocationPart]) -> tuple[Batch, ...]:
        """Ship parts of a line, and return the changed batches."""
        return self.replace_batches(*[self.batches[part.batch].ship(part.quantity) for part in parts])

    def select_batches(self, quantity: int, *, split: bool) -> BatchSelection | None:
        """Return the batches that supply a quantity, None if they cannot."""
        return select_batches(self.by_preference, quantity, split=split)

    @property
    def by_preference(self) -> list[Batch]:
        """Return the batches in order of preference: the warehouse first, then the earliest arrival."""
        if len(self.preference_order) != len(self.batches):
            self.preference_order = sorted(self.batches, key=lambda reference: self.batches[reference].preference)
        return [self.batches[reference] for reference in self.preference_order]

    @property
    def largest_available(self) -> int:
        """Return the largest available quantity of one batch."""
        return max((batch.available for batch in self.batches.values()), default=0)

    @property
    def splittable_available(self) -> int:
        """Return the largest quantity that a split line can get."""
        return splittable_quantity(self.by_preference)
