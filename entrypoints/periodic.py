"""Jobs that run until the process stops: one loop for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import structlog

from core.kernel.signals import Signals
from entrypoints.effects import count_effect

T = TypeVar("T")
log = structlog.get_logger()
JOB_SHUTDOWN_SECONDS = 1.0
"""How long a job has to end at a stop; what it does not finish is found again."""


async def run_every(
    seconds: float,
    name: str,
    job: Callable[[], Awaitable[object]],
    stop: asyncio.Event,
    *,
    shutdown_seconds: float | None = None,
) -> None:
    """Run a job, wait, and run it again until `stop` is set; log counts that are not zero.

    A failure is logged and waits for the next run: a defect of one job must not end the process that answers
    candidates.
    """
    while not stop.is_set():
        try:
            result = await finish_or_cancel(name, job(), stop, shutdown_seconds)
            counts = result if isinstance(result, Mapping) else {"count": result}
            if any(isinstance(count, int) and count for count in counts.values()):
                log.info(name, **counts)
            count_effect("job", done=True)
        except Exception as error:
            count_effect("job", done=False)
            log.warning("job_failed_will_retry", job=name, error=error)
        await Signals.wait(stop, seconds)


async def finish_or_cancel(
    name: str, job: Awaitable[T], stop: asyncio.Event, shutdown_seconds: float | None = None
) -> T | None:
    """Return the result of a job; cancel it where it does not end soon after `stop` is set."""
    limit = shutdown_seconds or JOB_SHUTDOWN_SECONDS
    doing, stopping = asyncio.ensure_future(job), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({doing}, timeout=limit if stopping.done() else None)
    finally:
        stopping.cancel()
        if doing.cancel():
            log.warning("job_cancelled", job=name)
            await asyncio.wait({doing})  # it rolls back before its resources are closed
    return None if doing.cancelled() else doing.result()
