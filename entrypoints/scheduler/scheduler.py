"""What has to be done from time to time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from core.shared.errors import Unavailable
from core.shared.signals import Signals

log = structlog.get_logger()


async def every(
    seconds: float, name: str, job: Callable[[], Awaitable[Mapping[str, int]]], stop: asyncio.Event
) -> None:
    """Do a job again and again until `stop` is set, and say what it came to if that was anything."""
    while not stop.is_set():
        try:
            if any((done := await job()).values()):
                log.info(name, **done)
        except Unavailable as error:
            log.warning("job_postponed", job=name, error=str(error))
        await Signals.wait(stop, seconds)
