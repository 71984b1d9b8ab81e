"""Carries out a plan."""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from tests.chaos.fault_points import FaultPointRegistry
from tests.chaos.plan import PAUSE_BEYOND_LEASE_SECONDS, Fault, Kill, Point, Restart, Step, Stop, Trouble
from tests.chaos.servers import Stack
from tests.chaos.workers import Workers

FAULT_POINT_TIMEOUT_SECONDS = 40.0
"""Seconds that armed fault points have, after all other troubles, to be reached."""


class FaultInjector:
    """Does to servers and workers what the plan says, and counts it."""

    def __init__(self, stack: Stack, workers: Workers, armoury: FaultPointRegistry, say: Callable[[str], None]) -> None:
        self._stack, self._workers, self._armoury, self._say = stack, workers, armoury, say
        self._done: Counter[str] = Counter()

    def faults(self) -> dict[str, int]:
        """Return how often each thing went wrong; a fault point counts when somebody was there."""
        killed = Counter(hit.point for hit in self._armoury.hits() if hit.signal == "SIGKILL")
        asleep = Counter(f"asleep_{hit.point}" for hit in self._armoury.hits() if hit.signal == "SIGSTOP")
        alone = Counter(died=len(self._workers.died), unavailable_at_start=self._workers.unavailable)
        return dict(sorted((self._done + killed + asleep + alone).items()))

    async def carry_out(self, steps: Sequence[Step]) -> None:
        """Return when all of it has happened."""
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
        """Let nothing go wrong any more, when every armed point was reached; return those that nobody came to."""
        self._workers.wake()
        with suppress(TimeoutError):
            async with asyncio.timeout(FAULT_POINT_TIMEOUT_SECONDS):
                while self._armoury.armed():
                    await asyncio.sleep(0.1)
        unreached = self._armoury.armed() - {hit.point for hit in self._armoury.hits()}
        self._armoury.disarm()
        await asyncio.sleep(0.1)  # who took a point just now is asleep by then
        self._workers.wake()
        return unreached

    async def _do(self, fault: Fault) -> None:
        match fault:
            case Kill(worker):
                self._count("kill", worker)
                await self._workers.kill(worker)
            case Point(point, signal_name):
                self._say(f"armed {point} {signal_name}")
                self._armoury.arm(point, signal_name)
            case Stop(worker, seconds):
                self._count("stop", f"{worker} for {seconds:g} s")
                self._workers.signal(worker, signal.SIGSTOP)
                await asyncio.sleep(seconds)
                self._workers.signal(worker, signal.SIGCONT)
            case Trouble(server, kind, seconds):
                self._count(f"{server}_{kind}", f"for {seconds:g} s")
                await self._stack.trouble(server, kind)
                await asyncio.sleep(seconds)
                await self._stack.heal(server, kind)
            case Restart(server, gently):
                self._count(f"{server}_restart" if gently else f"{server}_killed")
                await self._stack.restart(server, gently=gently)

    async def _resume_stopped_workers(self) -> None:
        """Wake workers that fell asleep at a point, once everybody has given them up."""
        woken = 0
        while True:
            sleepers = [hit for hit in self._armoury.hits() if hit.signal == "SIGSTOP"]
            if sleepers[woken:]:
                await asyncio.sleep(PAUSE_BEYOND_LEASE_SECONDS["relay"])
                self._workers.signal(sleepers[woken].worker, signal.SIGCONT)
                woken += 1
            await asyncio.sleep(0.1)

    def _count(self, what: str, detail: str = "") -> None:
        self._done[what] += 1
        self._say(f"{what} {detail}".rstrip())
