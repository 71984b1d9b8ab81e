"""Whoever gave way to somebody else is served at once afterwards: nobody hears of a deadlock."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.shared.errors import GaveWay

T = TypeVar("T")
TRIES = 4


async def insisting(act: Callable[[], Awaitable[T]]) -> T:
    """Act, in a transaction of its own, until nobody else is in the way."""
    for _ in range(TRIES - 1):
        try:
            return await act()
        except GaveWay:
            pass
    return await act()
