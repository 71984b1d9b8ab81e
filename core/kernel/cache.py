"""The port of the cache."""

from abc import abstractmethod
from typing import Protocol


class Cache(Protocol):
    """Small values that are cheap to lose; an unreachable cache is an empty one and never raises."""

    @abstractmethod
    async def get(self, key: str) -> bytes | None:
        """Return the value, or None if it was never put or was evicted."""

    @abstractmethod
    async def put(self, key: str, value: bytes) -> None:
        """Replace the value for every process that shares the cache."""

    @abstractmethod
    async def add(self, key: str, value: bytes) -> None:
        """Put a value unless the key has one, so that a slow reader does not undo a newer `put`."""
