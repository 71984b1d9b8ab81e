"""Which batches a line gets its pieces from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from core.inventory.batch import Batch
from core.inventory.order_line import AllocationPart, PassedOver

MAX_BATCHES_EXPLAINED = 10
"""Batches that an explanation names; who wants more reads the list of batches."""
MAX_PARTS_PER_LINE = 500
"""Batches that a line is split over: the event tells of each, and a broker takes no message of a megabyte."""


@dataclass(frozen=True, slots=True)
class BatchSelection:
    """Where pieces come from, and why from there."""

    parts: tuple[AllocationPart, ...]
    why: str
    passed_over: tuple[PassedOver, ...]


def select_batches(batches: Sequence[Batch], quantity: int, *, split: bool) -> BatchSelection | None:
    """Return the best batches for so many pieces, None if there are not enough.

    The first that has all of them is taken, however near it is to those that have only some; the pieces come from
    several only where that may be and no batch has all.  `batches` are in the order in which they are preferred.
    """
    for place, batch in enumerate(batches):
        if batch.available >= quantity:
            why = f"{where(batch)}, the first that has all {quantity}"
            return BatchSelection((part(batch, quantity),), why, passed_over(batches[:place]))
    if not split or splittable_quantity(batches) < quantity:
        return None
    parts, missing = list[AllocationPart](), quantity
    for batch in batches:
        if missing and batch.available:
            parts.append(part(batch, min(batch.available, missing)))
            missing -= parts[-1].quantity
    return BatchSelection(tuple(parts), f"no batch has all {quantity}: split, the earliest first", ())


def splittable_quantity(batches: Iterable[Batch]) -> int:
    """Return how many pieces a line can have that may be split."""
    return sum(islice((batch.available for batch in batches if batch.available), MAX_PARTS_PER_LINE))


def part(batch: Batch, quantity: int) -> AllocationPart:
    """Take pieces of a batch."""
    return AllocationPart(batch=batch.reference, quantity=quantity, eta=batch.eta)


def passed_over(batches: Sequence[Batch]) -> tuple[PassedOver, ...]:
    """Tell of the batches that have something left, and not enough."""
    some = [batch for batch in batches if batch.available][:MAX_BATCHES_EXPLAINED]
    return tuple(PassedOver(batch=each.reference, why=f"{where(each)}, but has only {each.available}") for each in some)


def where(batch: Batch) -> str:
    """Tell where a batch is."""
    return f"arrives on {batch.eta}" if batch.eta else "in the warehouse"
