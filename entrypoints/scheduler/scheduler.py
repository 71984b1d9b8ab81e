"""What has to be done from time to time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from core.kernel.signals import Signals

log = structlog.get_logger()
JOB_SHUTDOWN_SECONDS = 1.0
"""Seconds that a job has to end when we stop; what it does not finish is found again."""


async def run_every(
    seconds: float, name: str, job: Callable[[], Awaitable[Mapping[str, int]]], stop: asyncio.Event
) -> None:
    """Do a job again and again until `stop` is set, and say what it came to if that was anything."""
    while not stop.is_set():
        try:
            if any((done := await finish_or_cancel(job(), stop)).values()):
                log.info(name, **done)
        except Exception as error:  # a defect, too, must not end the process that answers candidates
            log.warning("job_failed_will_retry", job=name, error=repr(error))
        await Signals.wait(stop, seconds)


async def finish_or_cancel(job: Awaitable[Mapping[str, int]], stop: asyncio.Event) -> Mapping[str, int]:
    """Return what a job came to; nothing for one that does not end soon after `stop` is set."""
    doing, stopping = asyncio.ensure_future(job), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({doing}, timeout=JOB_SHUTDOWN_SECONDS if stopping.done() else None)
    finally:
        stopping.cancel()
        doing.cancel()
    await asyncio.wait({doing})
    return {} if doing.cancelled() else doing.result()
