"""The processes of the product: started, killed, paused, and restarted as an orchestrator does."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from tests.chaos.orders import Ended, Forked, Order, Signal

ROOT = Path(__file__).parents[2]
MIN_RESTART_DELAY_SECONDS = 0.1
"""Seconds until a killed worker is restarted."""
MAX_RESTART_DELAY_SECONDS = 2.0
"""The maximum delay in seconds for a worker that repeatedly ends by itself."""
SHUTDOWN_TIMEOUT_SECONDS = 15.0
"""Seconds in which a worker must end after SIGTERM."""
UNAVAILABLE = 75
"""The exit code of `bursar serve` without a database."""


class ForkServer:
    """The parent process of the workers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._forks: dict[str, asyncio.Future[None]] = {}
        self.told: Callable[[Forked | Ended], None] = lambda _: None
        """Receives each report about a worker, in order."""

    async def fork(self, order: Order) -> None:
        """Fork a worker, and return when it has started."""
        self._forks[order.name] = asyncio.get_running_loop().create_future()
        self._tell(order)
        await self._forks[order.name]

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Send a worker a signal, unless it has ended."""
        self._tell(Signal(pid, number))

    async def listen(self) -> None:
        """Receive reports about workers."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = msgspec.json.decode(line, type=Forked | Ended)
            self.told(told)
            if isinstance(told, Forked):
                self._forks.pop(told.name).set_result(None)

    def _tell(self, command: Order | Signal) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(command) + b"\n")


@asynccontextmanager
async def fork_server() -> AsyncIterator[ForkServer]:
    """Start the fork server; at the end it kills its workers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.fork_server", cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    ready = await process.stdout.readline()
    assert ready == b"ready\n", f"the fork server did not start: {ready!r}"
    server = ForkServer(process)
    listening = asyncio.create_task(server.listen())
    try:
        yield server
    finally:
        process.stdin.close()
        await process.wait()
        await listening


class Workers:
    """All workers of one run, by name."""

    def __init__(self, server: ForkServer, say: Callable[[str], None]) -> None:
        self._server, self._say = server, say
        self._orders: dict[str, Order] = {}
        self._pids: dict[str, int] = {}
        self._gone: dict[str, asyncio.Event] = {}
        self._codes: dict[str, int] = {}
        self._kept: set[str] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._in_a_row: Counter[str] = Counter()
        self.kills = 0
        self.unavailable = 0
        """The number of times that a worker ended because its database was unavailable."""
        self.died: list[str] = []
        """Workers that ended by themselves for another reason."""
        server.told = self._told

    async def start(self, orders: Sequence[Order]) -> None:
        """Fork workers, and restart each one that ends."""
        for order in orders:
            self._orders[order.name] = order
            self._kept.add(order.name)
            await self._start(order.name)

    async def finish(self, order: Order) -> None:
        """Fork a worker for a task, and wait for its end."""
        self._orders[order.name] = order
        await self._start(order.name)
        await self._gone[order.name].wait()
        code = self._codes[order.name]
        assert code == 0, f"{order.name} ended with {code}; see {order.folder}/{order.name}.log"

    def names(self) -> list[str]:
        """Return the names of the workers that are restarted."""
        return sorted(self._kept)

    async def kill(self, name: str) -> None:
        """Kill a worker once it runs."""
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while name not in self._pids:
                    await asyncio.sleep(0.02)
        self.signal(name, signal.SIGKILL)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a worker a signal, unless it is being restarted."""
        if (pid := self._pids.get(name)) is not None:
            self._server.signal(pid, number)

    def wake(self) -> None:
        """Resume all paused workers."""
        for name in self._pids:
            self.signal(name, signal.SIGCONT)

    async def stop(self, names: Sequence[str]) -> dict[str, int]:
        """Send the workers SIGTERM; return the exit codes of those that failed or exceeded the time limit."""
        self._kept.difference_update(names)
        await asyncio.gather(*self._starting)
        for name in names:
            self.signal(name, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_TIMEOUT_SECONDS):
                for name in names:
                    await self._gone[name].wait()
        for name in names:
            self.signal(name, signal.SIGKILL)
            await self._gone[name].wait()
        return {name: self._codes[name] for name in names if self._codes[name] != 0}

    async def _start(self, name: str) -> None:
        self._gone[name] = asyncio.Event()
        await self._server.fork(self._orders[name])

    def _told(self, told: Forked | Ended) -> None:
        if isinstance(told, Forked):
            self._pids[told.name] = told.pid
            return
        del self._pids[told.name]
        self._codes[told.name] = told.code
        self._gone[told.name].set()
        if told.name not in self._kept:
            return
        killed = told.code == -signal.SIGKILL
        self.kills += killed
        self.unavailable += told.code == UNAVAILABLE
        if not killed and told.code != UNAVAILABLE:
            self.died.append(f"{told.name} (process {told.pid}) ended by itself with {told.code}")
            self._say(self.died[-1])
        self._in_a_row[told.name] = 0 if killed else self._in_a_row[told.name] + 1
        task = asyncio.create_task(
            self._again(
                told.name, min(MIN_RESTART_DELAY_SECONDS * 2 ** self._in_a_row[told.name], MAX_RESTART_DELAY_SECONDS)
            )
        )
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _again(self, name: str, pause: float) -> None:
        await asyncio.sleep(pause)
        await self._start(name)
