"""The registry of one process."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.kernel.clock import Clock
from core.kernel.registry import RegisteredProcess, Registry


class MemoryRegistry(Registry):
    """A list that ends with the process."""

    def __init__(self, clock: Clock, ttl_seconds: int) -> None:
        self._clock, self._ttl = clock, timedelta(seconds=ttl_seconds)
        self._listed: dict[str, tuple[RegisteredProcess, datetime]] = {}

    async def announce(self, process: RegisteredProcess) -> None:
        self._listed[process.id] = process, self._clock.now() + self._ttl

    async def withdraw(self, process: RegisteredProcess) -> None:
        self._listed.pop(process.id, None)

    async def processes(self) -> Sequence[RegisteredProcess]:
        now = self._clock.now()
        return [process for _, (process, until) in sorted(self._listed.items()) if until > now]
