"""The cache of one process."""

from core.kernel.cache import Cache
from core.kernel.clock import Clock


class MemoryCache(Cache):
    """Entries expire after `ttl_seconds`: a change by another process is seen that late."""

    def __init__(self, clock: Clock, ttl_seconds: float, max_entries: int = 10_000) -> None:
        self._clock, self._ttl_seconds, self._max_entries = clock, ttl_seconds, max_entries
        self._values: dict[str, tuple[float, bytes]] = {}

    async def get(self, key: str) -> bytes | None:
        until, value = self._values.get(key, (0.0, b""))
        return value if until > self._clock.now().timestamp() else None

    async def put(self, key: str, value: bytes) -> None:
        self._values.pop(key, None)
        if len(self._values) >= self._max_entries:
            del self._values[next(iter(self._values))]
        self._values[key] = self._clock.now().timestamp() + self._ttl_seconds, value

    async def add(self, key: str, value: bytes) -> None:
        if await self.get(key) is None:
            await self.put(key, value)
