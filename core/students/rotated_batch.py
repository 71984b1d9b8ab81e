"""The result of one step of a rotation of keys."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RotatedBatch:
    """What one transaction did."""

    last: UUID | None
    """The last row that it read; None: there are no more."""
    read: int = 0
    encrypted: int = 0
    unreadable: tuple[str, ...] = ()
    """Why rows stayed as they were."""
