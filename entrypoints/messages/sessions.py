"""Keeps a transport connected to its broker."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

from entrypoints.messages.partition import MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS, wait

log = structlog.get_logger()


async def keep_connected(
    session: Callable[[asyncio.Event], Awaitable[None]],
    failures: tuple[type[BaseException], ...],
    broker: str,
    stop: asyncio.Event,
) -> None:
    """Run one session after the other until `stop` is set, with longer and longer pauses while they fail."""
    caught: tuple[type[BaseException], ...] = (*failures, OSError, TimeoutError, asyncio.CancelledError)
    pause = MIN_BACKOFF_SECONDS
    while not stop.is_set():
        began = monotonic()
        try:
            await session(stop)
        except caught as error:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            log.warning("broker_unreachable", broker=broker, error=error)
            pause = MIN_BACKOFF_SECONDS if monotonic() - began > MAX_BACKOFF_SECONDS else pause
            await wait(stop, pause)
            pause = min(pause * 2, MAX_BACKOFF_SECONDS)
