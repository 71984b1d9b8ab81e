"""A memory that may forget."""

from abc import abstractmethod
from typing import Protocol


class Cache(Protocol):
    """Small facts that are cheap to lose.  It never fails: what cannot be reached is not there."""

    @abstractmethod
    async def get(self, key: str) -> bytes | None:
        """Return what was put, unless it was forgotten."""

    @abstractmethod
    async def put(self, key: str, value: bytes) -> None:
        """Replace what is known, for everybody who shares the cache."""

    @abstractmethod
    async def add(self, key: str, value: bytes) -> None:
        """Put a value unless there is one: a slow reader must not undo a newer `put`."""
