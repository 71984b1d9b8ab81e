"""Retries of a use case whose transaction the database chose as the victim of a deadlock."""

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from core.kernel.errors import GaveWay

P = ParamSpec("P")
T = TypeVar("T")
MAX_ATTEMPTS = 4


async def retry_on_deadlock(act: Callable[P, Awaitable[T]], *arguments: P.args, **named: P.kwargs) -> T:
    """Act, at most four times; raise `GaveWay` when the last attempt is a victim too."""
    for _ in range(MAX_ATTEMPTS - 1):
        try:
            return await act(*arguments, **named)
        except GaveWay:
            pass
    return await act(*arguments, **named)
