"""Several processes of one fee office: started together, started again when one dies, stopped together."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import structlog
from prometheus_client.multiprocess import mark_process_dead

from core.kernel.errors import Unavailable
from core.kernel.signals import Signals

log = structlog.get_logger()
WORKER_SHUTDOWN_SECONDS = 12.0
"""Seconds in which a worker has finished what it had in hand; a consumer needs up to ten."""
MIN_RESTART_DELAY_SECONDS, MAX_RESTART_DELAY_SECONDS = 0.5, 30.0
"""Seconds before a worker that died is started again: each time twice as long…"""
STABLE_AFTER_SECONDS = 60.0
"""…until one has lived so long."""


class Worker:
    """One process of `bursar work`, at the other end of a line: it says when it is open, and ends when we are gone."""

    def __init__(self, config: Path | None, changes: Mapping[str, str], metrics: str) -> None:
        """Run with a changed configuration, and metrics in a folder for all."""
        at = ("--config", str(config)) if config else ()
        self._command = [sys.executable, "-P", "-m", "entrypoints", "work", *at]
        self._changes, self._metrics = changes, metrics
        self.open = asyncio.Event()

    async def keep(self, stop: asyncio.Event) -> None:
        """Have it running until `stop` is set."""
        pause = 0.0
        while not stop.is_set():
            began = time.monotonic()
            code = await self._run(stop)
            if stop.is_set():
                return
            if not self.open.is_set():
                raise Unavailable(f"a worker could not start, and ended with {code}; it says why above")
            pause = (
                MIN_RESTART_DELAY_SECONDS
                if time.monotonic() - began > STABLE_AFTER_SECONDS
                else min(max(pause * 2, MIN_RESTART_DELAY_SECONDS), MAX_RESTART_DELAY_SECONDS)
            )
            log.error("worker_died", serves=self._changes["BURSAR__SERVE"], code=code, restart_in_seconds=pause)
            await Signals.wait(stop, pause)

    async def _run(self, stop: asyncio.Event) -> int:
        """Start it, and return how it ended."""
        environment = {**os.environ, **self._changes, "PROMETHEUS_MULTIPROC_DIR": self._metrics}
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            try:
                process = await asyncio.create_subprocess_exec(*self._command, stdin=theirs.fileno(), env=environment)
            except OSError as error:  # no room for one more: those that are there go on
                log.error("worker_spawn_failed", error=repr(error))
                return error.errno or -1
            theirs.close()
            listening = asyncio.create_task(self._listen(ours))
            stopping, ending = asyncio.create_task(stop.wait()), asyncio.create_task(process.wait())
            await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
            for waiting in (listening, stopping):
                waiting.cancel()
            code = await ended(process, ending)
        mark_process_dead(process.pid, self._metrics)  # type: ignore[no-untyped-call]
        return code

    async def _listen(self, line: socket.socket) -> None:
        if await asyncio.get_running_loop().sock_recv(line, 1):
            self.open.set()


async def ended(process: asyncio.subprocess.Process, ending: "asyncio.Task[int]") -> int:
    """Let a process end, and make it end where it does not."""
    with suppress(ProcessLookupError):  # it has
        process.terminate()
    try:
        return await asyncio.wait_for(asyncio.shield(ending), WORKER_SHUTDOWN_SECONDS)
    except TimeoutError:
        process.kill()
        return await ending


async def supervise(workers: Sequence[Worker], opened: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Keep all of them running until `stop` is set; tell `opened` when all are open.

    Raises `Unavailable` where one cannot even start.
    """

    async def tell() -> None:
        for worker in workers:
            await worker.open.wait()
        await opened()

    telling = asyncio.create_task(tell())
    keeping = [asyncio.create_task(worker.keep(stop)) for worker in workers]
    try:
        await asyncio.gather(*keeping)
    finally:
        stop.set()  # where one cannot start, the others end too
        telling.cancel()
        await asyncio.gather(telling, *keeping, return_exceptions=True)
