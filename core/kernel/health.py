"""The port of health checks, and what a process answers about itself from them."""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.kernel.errors import CoreError, Unavailable

VERDICT_SECONDS = 1.0
"""A verdict is given again for this long: a probe writes and sends, and many monitors may ask."""


class Probe(Protocol):
    """The health check of one dependency."""

    name: str
    essential: bool = True
    """Whether the process is not ready while the dependency fails."""
    deadline_seconds: float = 2.0
    """A check that takes longer has failed."""
    remedy: str
    """What an operator should do when the check fails."""

    @abstractmethod
    async def check(self) -> str:
        """Return a short description of the dependency, or raise `Unavailable` with the cause."""


class Unfit(Unavailable):
    """A dependency answers, and is set up wrongly; it has a remedy of its own."""

    problem = "unfit"

    def __init__(self, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class DependencyStatus:
    """The result of the probe of one dependency."""

    name: str
    ready: bool
    essential: bool
    detail: str
    remedy: str
    """What to do; empty while the dependency is ready."""
    deadline_seconds: float


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this process can do its work now."""

    ready: bool
    dependencies: list[DependencyStatus]


async def check_probe(probe: Probe) -> DependencyStatus:
    """Return the status of one dependency within its deadline."""
    ready, remedy = False, probe.remedy
    try:
        async with asyncio.timeout(probe.deadline_seconds):
            detail, ready, remedy = await probe.check(), True, ""
    except CoreError as error:
        detail, remedy = str(error), getattr(error, "remedy", remedy)
    except TimeoutError:
        detail = f"no answer within {probe.deadline_seconds:g} s"
    return DependencyStatus(probe.name, ready, probe.essential, detail, remedy, probe.deadline_seconds)


@dataclass(slots=True)
class HealthChecks:
    """Probes every dependency of this process, once at a time, and remembers whether it was ever ready."""

    probes: Sequence[Probe]
    _started: bool = field(default=False, init=False)
    _check: asyncio.Task[Readiness] | None = field(default=None, init=False)
    _valid_until: float = field(default=0.0, init=False)

    async def started(self) -> Readiness:
        """Return ready if this process was ready once; its dependencies may fail since, and a restart is no cure."""
        return Readiness(True, []) if self._started else await self.readiness()

    async def readiness(self) -> Readiness:
        """Return the verdict that is under way or at most `VERDICT_SECONDS` old, or probe again."""
        now = asyncio.get_running_loop().time()
        if self._check is None or (self._check.done() and now >= self._valid_until):
            self._check = asyncio.create_task(self._probe_all())
        return await asyncio.shield(self._check)  # a client that leaves must not end the check of others

    async def _probe_all(self) -> Readiness:
        """Check all probes concurrently."""
        statuses = await asyncio.gather(*(check_probe(probe) for probe in self.probes))
        ready = all(each.ready for each in statuses if each.essential)
        self._started = self._started or ready
        self._valid_until = asyncio.get_running_loop().time() + VERDICT_SECONDS
        return Readiness(ready, statuses)
