"""Reads the next page of the log while the storage works on the one before."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from core.kernel.errors import Unavailable

T = TypeVar("T")
RETRY_BACKOFF_SECONDS = (0.1, 0.5, 2.0)
"""Pauses before the retries of a failed step; their sum is less than the lease."""


async def read_ahead(pages: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """Yield pages, each while the next one is read; an error of a page comes after the page before it."""
    following = asyncio.ensure_future(anext(pages, None))
    try:
        while (page := await following) is not None:
            following = asyncio.ensure_future(anext(pages, None))
            yield page
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await pages.aclose()


async def retry_unavailable(step: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """Run an idempotent step, and retry it when a dependency is unavailable."""
    for pause in RETRY_BACKOFF_SECONDS:
        try:
            return await step(*arguments)
        except Unavailable:
            await asyncio.sleep(pause)
    return await step(*arguments)
