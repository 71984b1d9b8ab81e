"""The cache of one process."""

from core.kernel.cache import Cache, Compute
from core.kernel.clock import Clock
from core.kernel.single_flight import SingleFlight


class MemoryCache(Cache):
    """Entries expire after `ttl_seconds`: what another process clears is seen that late."""

    def __init__(self, clock: Clock, ttl_seconds: float, max_entries: int = 10_000) -> None:
        self._clock, self._ttl_seconds, self._max_entries = clock, ttl_seconds, max_entries
        self._values: dict[str, tuple[float, str, bytes]] = {}
        """By key, in the order of their computation: when it expires, the tag, the value."""
        self._flights = SingleFlight[bytes]()

    async def fetch(self, key: str, tag: str, compute: Compute) -> bytes:
        until, _, value = self._values.get(key, (0.0, "", b""))
        if until > self._now():
            return value

        async def compute_and_keep() -> bytes:
            expires = self._now() + self._ttl_seconds
            value = await compute()
            if self._flights.is_current(key):
                self._values.pop(key, None)
                if len(self._values) >= self._max_entries:
                    del self._values[next(iter(self._values))]
                self._values[key] = expires, tag, value
            return value

        return await self._flights.share(key, tag, compute_and_keep)

    async def clear(self, tag: str) -> None:
        self._flights.leave(tag)
        self._values = {key: each for key, each in self._values.items() if each[1] != tag}

    def _now(self) -> float:
        return self._clock.now().timestamp()
