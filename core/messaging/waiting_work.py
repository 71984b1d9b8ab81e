"""What waits in an office, for people who operate it."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """Work of one kind that is not done."""

    kind: str
    """As in `deliveries unknown`."""
    count: int
    oldest: datetime | None
    """Since when the oldest waits; None if nothing waits."""


class OfficeFigures(Protocol):
    """Counts of what is stored; no row is told."""

    @abstractmethod
    async def waiting(self) -> Sequence[WaitingWork]:
        """Return the unfinished deliveries by state, and the dead letters."""

    @abstractmethod
    async def rows(self) -> Mapping[str, int]:
        """Return the number of rows of each table; MySQL estimates it."""

    @abstractmethod
    async def schema(self) -> str:
        """Return the version of the schema."""
