"""The size of what is stored, for people who operate it."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol


class OfficeFigures(Protocol):
    """Counts of what is stored; no row is told."""

    @abstractmethod
    async def rows(self) -> Mapping[str, int]:
        """Return the number of rows of each table; MySQL estimates it."""

    @abstractmethod
    async def schema(self) -> str:
        """Return the version of the schema."""
