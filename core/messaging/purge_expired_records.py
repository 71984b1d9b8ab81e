"""Forget what nobody can send again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from core.kernel.clock import Clock
from core.messaging.retention import RetainedRecords, Retention

MAX_ROWS_PER_DELETE = 1_000
"""Rows of one delete: it holds few locks, and replicas keep up."""


@dataclass(frozen=True, slots=True)
class PurgeExpiredRecords:
    """Forget requests and messages that are older than anybody may repeat them."""

    retention: Retention
    keep: Mapping[RetainedRecords, timedelta]
    clock: Clock

    async def __call__(self) -> Mapping[RetainedRecords, int]:
        """Return how many of each were forgotten."""
        return {memory: await self._forget(memory, age) for memory, age in self.keep.items()}

    async def _forget(self, memory: RetainedRecords, age: timedelta) -> int:
        before, forgotten = self.clock.now() - age, 0
        while gone := await self.retention.forget(memory, before, MAX_ROWS_PER_DELETE):
            forgotten += gone
        return forgotten
