"""Purge expired idempotency keys, inbox ids, sessions and what leads to one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.messaging.retention import RetainedRecords, Retention

MAX_ROWS_PER_DELETE = 1_000
"""Rows of one delete statement; a small one holds few locks and keeps replicas current."""


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class PurgeExpiredRecords:
    """Delete records that are older than their retention."""

    retention: Retention
    retention_periods: Mapping[RetainedRecords, timedelta]
    clock: Clock

    async def __call__(self) -> Mapping[RetainedRecords, int]:
        """Return the number of deleted rows of each kind."""
        return {memory: await self._forget(memory, age) for memory, age in self.retention_periods.items()}

    async def _forget(self, memory: RetainedRecords, age: timedelta) -> int:
        before, forgotten = self.clock.now() - age, 0
        while gone := await self.retention.purge(memory, before, MAX_ROWS_PER_DELETE):
            forgotten += gone
        return forgotten
