"""Worker processes: started together, restarted when they die, stopped together."""

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

from config.renamed_settings import FILE_SUFFIX, current_name
from core.kernel.errors import Unavailable
from core.kernel.signals import Signals

log = structlog.get_logger()
WORKER_SHUTDOWN_SECONDS = 12.0
"""A worker that needs longer to finish its work in flight is killed; a consumer needs up to ten seconds."""
MIN_RESTART_DELAY_SECONDS, MAX_RESTART_DELAY_SECONDS = 0.5, 30.0
"""The delay doubles with each death in a row."""
STABLE_AFTER_SECONDS = 60.0
"""The death of a worker that has lived longer does not count as one in a row."""


class Worker:
    """One process of `bursar work`.

    Its standard input is a socket: it writes a byte when it is ready, and stops when the supervisor's end closes.
    """

    def __init__(
        self, config: Path | None, changes: Mapping[str, str], metrics: str, number: int = 0, drain_seconds: float = 0.0
    ) -> None:
        """Override settings by the environment variables `changes`; `metrics` is the folder that all workers share.

        `number` tells its metrics from those of the others; for `drain_seconds` after it is told to stop, it works on.
        """
        at = ("--config", str(config)) if config else ()
        self._command = [sys.executable, "-P", "-m", "entrypoints", "work", *at]
        self._changes, self._metrics = changes, metrics
        self._number, self._seconds = str(number), drain_seconds + WORKER_SHUTDOWN_SECONDS
        self.ready = asyncio.Event()

    async def keep_running(self, stop: asyncio.Event) -> None:
        """Start the process, and restart it when it dies, until `stop` is set.

        Raises `Unavailable` where it ends before it was ever ready.
        """
        pause = 0.0
        while not stop.is_set():
            began = time.monotonic()
            code = await self._run(stop)
            if stop.is_set():
                return
            if not self.ready.is_set():
                raise Unavailable(f"a worker could not start, and ended with {code}; its own message is above")
            pause = (
                MIN_RESTART_DELAY_SECONDS
                if time.monotonic() - began > STABLE_AFTER_SECONDS
                else min(max(pause * 2, MIN_RESTART_DELAY_SECONDS), MAX_RESTART_DELAY_SECONDS)
            )
            log.error("worker_died", serves=self._changes["BURSAR__SERVE"], code=code, restart_in_seconds=pause)
            await Signals.wait(stop, pause)

    async def _run(self, stop: asyncio.Event) -> int:
        """Start the process, and return its exit code."""
        inherited = {name: value for name, value in os.environ.items() if setting_of(name) not in self._changes}
        environment = {
            **inherited,
            **self._changes,
            "PROMETHEUS_MULTIPROC_DIR": self._metrics,
            "BURSAR_WORKER": self._number,
        }
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            try:
                process = await asyncio.create_subprocess_exec(*self._command, stdin=theirs.fileno(), env=environment)
            except OSError as error:  # the other workers continue without this one
                log.error("worker_spawn_failed", error=error)
                return error.errno or -1
            theirs.close()
            awaiting = asyncio.create_task(self._await_ready(ours))
            stopping, ending = asyncio.create_task(stop.wait()), asyncio.create_task(process.wait())
            await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
            for task in (awaiting, stopping):
                task.cancel()
            code = await terminate(process, ending, self._seconds)
        mark_process_dead(process.pid, self._metrics)  # type: ignore[no-untyped-call]
        return code

    async def _await_ready(self, line: socket.socket) -> None:
        if await asyncio.get_running_loop().sock_recv(line, 1):
            self.ready.set()


def setting_of(variable: str) -> str:
    """Return the variable that a worker's own value replaces: a former name or a file would be a second value."""
    return current_name(variable).upper().removesuffix(FILE_SUFFIX)


async def terminate(process: asyncio.subprocess.Process, ending: "asyncio.Task[int]", seconds: float) -> int:
    """Terminate a process, kill it after this time, and return its exit code."""
    with suppress(ProcessLookupError):  # it has ended
        process.terminate()
    try:
        return await asyncio.wait_for(asyncio.shield(ending), seconds)
    except TimeoutError:
        process.kill()
        return await ending


async def supervise(workers: Sequence[Worker], on_ready: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Keep the workers running until `stop` is set; call `on_ready` when all are ready.

    Raises `Unavailable` where one cannot start.
    """

    async def report_ready() -> None:
        for worker in workers:
            await worker.ready.wait()
        await on_ready()

    reporting = asyncio.create_task(report_ready())
    keeping = [asyncio.create_task(worker.keep_running(stop)) for worker in workers]
    try:
        await asyncio.gather(*keeping)
    finally:
        stop.set()  # where one cannot start, the others stop too
        reporting.cancel()
        await asyncio.gather(reporting, *keeping, return_exceptions=True)
