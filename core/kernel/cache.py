"""The port of the cache."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Protocol

Compute = Callable[[], Awaitable[bytes]]


class Cache(Protocol):
    """Small values that can be computed again; an unreachable cache is an empty one, and neither call fails by it."""

    @abstractmethod
    async def fetch(self, key: str, tag: str, compute: Compute) -> bytes:
        """Return a value that was computed since its tag was last cleared.

        Concurrent callers in one process share a computation, and the error that it raises, which is not kept.
        """

    @abstractmethod
    async def clear(self, tag: str) -> None:
        """Forget every value of a tag, and what computations under way are about to return.

        Processes that the adapter does not reach may return a value for as long as it keeps one.
        """
