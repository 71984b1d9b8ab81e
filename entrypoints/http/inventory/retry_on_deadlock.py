"""Whoever gave way to somebody else is served at once afterwards: nobody hears of a deadlock."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.kernel.errors import GaveWay

T = TypeVar("T")
MAX_ATTEMPTS = 4


async def retry_on_deadlock(act: Callable[[], Awaitable[T]]) -> T:
    """Act, in a transaction of its own, until nobody else is in the way."""
    for _ in range(MAX_ATTEMPTS - 1):
        try:
            return await act()
        except GaveWay:
            pass
    return await act()
