"""Rate limits that one process counts on its own."""

from collections.abc import Mapping

from core.kernel.clock import Clock
from core.kernel.rate_limit import SLICES_COUNTED, Limit, RateLimiter, Verdict, judge

MAX_KEYS = 50_000
"""Keys in memory, about 20 MB; the key that was charged least recently makes room."""


class MemoryRateLimiter(RateLimiter):
    """Several processes allow several times as much."""

    def __init__(self, clock: Clock, max_keys: int = MAX_KEYS) -> None:
        self._clock, self._max_keys = clock, max_keys
        self._counts: dict[str, tuple[int, dict[int, int]]] = {}
        """By key, in the order of the last charge: when it expires, and the permits taken in each slice."""

    async def acquire(self, wanted: Mapping[str, Limit], permits: int = 1) -> Verdict:
        now_ms = self._now_ms()
        verdict = judge(wanted, [self._count(key, limit, now_ms) for key, limit in wanted.items()], permits)
        if verdict.allowed:
            for key, limit in wanted.items():
                self._charge(key, limit, now_ms, permits)
        return verdict

    async def release(self, taken: Mapping[str, Limit]) -> None:
        for key in taken:
            _, slices = self._counts.get(key, (0, {}))
            if slices:
                newest = next(reversed(slices))
                slices[newest] -= 1
                if not slices[newest]:
                    del slices[newest]

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1_000)

    def _count(self, key: str, limit: Limit, now_ms: int) -> tuple[int, int]:
        """Forget slices that no window touches; return the permits in use and the time until the first is free."""
        current = now_ms // limit.slice_ms
        _, slices = self._counts.get(key, (0, {}))
        while slices and next(iter(slices)) <= current - SLICES_COUNTED:  # they are in the order of their times
            del slices[next(iter(slices))]
        oldest = next(iter(slices), current)
        return sum(slices.values()), (oldest + SLICES_COUNTED) * limit.slice_ms - now_ms

    def _charge(self, key: str, limit: Limit, now_ms: int, permits: int) -> None:
        _, slices = self._counts.pop(key, (0, {}))
        current = now_ms // limit.slice_ms
        slices[current] = slices.get(current, 0) + permits
        self._counts[key] = now_ms + SLICES_COUNTED * limit.slice_ms, slices
        oldest = next(iter(self._counts))
        if len(self._counts) > self._max_keys or self._counts[oldest][0] <= now_ms:
            del self._counts[oldest]
