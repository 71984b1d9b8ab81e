"""Executes a plan of faults."""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from tests.chaos.fault_points import FaultPointRegistry
from tests.chaos.faults import PAUSE_BEYOND_LEASE_SECONDS, Fault, Kill, NetworkFault, Pause, Point, Restart
from tests.chaos.plan import Step
from tests.chaos.servers import Stack
from tests.chaos.workers import Workers

FAULT_POINT_TIMEOUT_SECONDS = 40.0
"""Seconds after all other faults in which armed fault points must be reached."""
ENDED_ALONE = ("died", "unavailable_at_start")
"""What no plan does: workers that ended by themselves, and those whose database was unavailable at their start."""


class FaultInjector:
    """Applies the faults of a plan to servers and workers, and counts them."""

    def __init__(
        self, stack: Stack, workers: Workers, registry: FaultPointRegistry, say: Callable[[str], None]
    ) -> None:
        self._stack, self._workers, self._registry, self._say = stack, workers, registry, say
        self._done: Counter[str] = Counter()

    def faults(self) -> dict[str, int]:
        """Return the number of faults by kind; a fault point counts when a worker reached it."""
        reached = Counter(Point(hit.point, hit.signal).name for hit in self._registry.hits())
        alone = Counter(dict(zip(ENDED_ALONE, (len(self._workers.died), self._workers.unavailable), strict=True)))
        return dict(sorted((self._done + reached + alone).items()))

    async def carry_out(self, steps: Sequence[Step]) -> None:
        """Return when all faults have happened."""
        begin = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tasks:
            waker = tasks.create_task(self._resume_stopped_workers())
            happening = []
            for step in steps:
                await asyncio.sleep(begin + step.at - asyncio.get_running_loop().time())
                happening.append(tasks.create_task(self._do(step.fault)))
            await asyncio.gather(*happening)
            waker.cancel()

    async def finish(self) -> set[str]:
        """End all faults once every armed point was reached; return the points that no worker reached."""
        self._workers.wake()
        with suppress(TimeoutError):
            async with asyncio.timeout(FAULT_POINT_TIMEOUT_SECONDS):
                while self._registry.armed():
                    await asyncio.sleep(0.1)
        unreached = self._registry.armed() - {hit.point for hit in self._registry.hits()}
        self._registry.disarm()
        await asyncio.sleep(0.1)  # a worker that has just reached a point is stopped by then
        self._workers.wake()
        return unreached

    async def _do(self, fault: Fault) -> None:
        self._say(f"{fault.name}: {fault}")
        if isinstance(fault, Point):
            self._registry.arm(fault.point, fault.signal)
            return
        self._done[fault.name] += 1
        match fault:
            case Kill(worker):
                await self._workers.kill(worker)
            case Pause(worker, seconds):
                self._workers.signal(worker, signal.SIGSTOP)
                await asyncio.sleep(seconds)
                self._workers.signal(worker, signal.SIGCONT)
            case NetworkFault(server, kind, seconds):
                await self._stack.trouble(server, kind)
                await asyncio.sleep(seconds)
                await self._stack.heal(server, kind)
            case Restart(server, gently):
                await self._stack.restart(server, gently=gently)

    async def _resume_stopped_workers(self) -> None:
        """Resume workers that stopped at a point, once other processes have taken over their work."""
        woken = 0
        while True:
            sleepers = [hit for hit in self._registry.hits() if hit.signal == "SIGSTOP"]
            if sleepers[woken:]:
                await asyncio.sleep(PAUSE_BEYOND_LEASE_SECONDS["relay"])
                self._workers.signal(sleepers[woken].worker, signal.SIGCONT)
                woken += 1
            await asyncio.sleep(0.1)
