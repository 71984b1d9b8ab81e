"""The selection of the batches that supply a line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from core.inventory.batch import Batch
from core.inventory.order_line import AllocationPart, SkippedBatch

MAX_BATCHES_EXPLAINED = 10
"""The batch list shows the others."""
MAX_PARTS_PER_LINE = 500
"""Keeps the event of a split line, which contains each batch, below the 1 MB message limit of a broker."""


@dataclass(frozen=True, slots=True)
class BatchSelection:
    """The parts that supply a line, and the reason for the selection."""

    parts: tuple[AllocationPart, ...]
    why: str
    passed_over: tuple[SkippedBatch, ...]


def select_batches(batches: Sequence[Batch], quantity: int, *, split: bool) -> BatchSelection | None:
    """Return the first batch that can supply the whole quantity, else several if `split`, else None.

    `batches` are in order of preference.
    """
    for place, batch in enumerate(batches):
        if batch.available >= quantity:
            why = f"{describe_location(batch)}, the first that has all {quantity}"
            return BatchSelection((allocation_part(batch, quantity),), why, skipped_batches(batches[:place]))
    if not split or splittable_quantity(batches) < quantity:
        return None
    parts, missing = list[AllocationPart](), quantity
    for batch in batches:
        if missing and batch.available:
            parts.append(allocation_part(batch, min(batch.available, missing)))
            missing -= parts[-1].quantity
    return BatchSelection(tuple(parts), f"no batch has all {quantity}: split, the earliest first", ())


def splittable_quantity(batches: Iterable[Batch]) -> int:
    """Return the largest quantity that a split line can get."""
    return sum(islice((batch.available for batch in batches if batch.available), MAX_PARTS_PER_LINE))


def allocation_part(batch: Batch, quantity: int) -> AllocationPart:
    """Return a part that takes its pieces from a batch."""
    return AllocationPart(batch=batch.reference, quantity=quantity, eta=batch.eta)


def skipped_batches(batches: Sequence[Batch]) -> tuple[SkippedBatch, ...]:
    """Return the preferred batches that have available pieces, but too few."""
    some = [batch for batch in batches if batch.available][:MAX_BATCHES_EXPLAINED]
    return tuple(
        SkippedBatch(batch=each.reference, why=f"{describe_location(each)}, but has only {each.available}")
        for each in some
    )


def describe_location(batch: Batch) -> str:
    """Return the location of a batch for an explanation."""
    return f"arrives on {batch.eta}" if batch.eta else "in the warehouse"
