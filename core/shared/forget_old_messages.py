"""Forget what nobody can send again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from core.shared.clock import Clock
from core.shared.retention import Memory, Retention

SMALL = 1_000
"""Rows of one delete: it holds few locks, and replicas keep up."""


@dataclass(frozen=True, slots=True)
class ForgetOldMessages:
    """Forget requests and messages that are older than anybody may repeat them."""

    retention: Retention
    keep: Mapping[Memory, timedelta]
    clock: Clock

    async def __call__(self) -> Mapping[Memory, int]:
        """Return how many of each were forgotten."""
        return {memory: await self._forget(memory, age) for memory, age in self.keep.items()}

    async def _forget(self, memory: Memory, age: timedelta) -> int:
        before, forgotten = self.clock.now() - age, 0
        while gone := await self.retention.forget(memory, before, SMALL):
            forgotten += gone
        return forgotten
