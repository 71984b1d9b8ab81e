"""A cache in this process alone."""

from core.kernel.cache import Cache
from core.kernel.clock import Clock


class MemoryCache(Cache):
    """Remember for a little while: what another process changes is seen after at most that."""

    def __init__(self, clock: Clock, seconds: float, most: int = 10_000) -> None:
        self._clock, self._seconds, self._most = clock, seconds, most
        self._values: dict[str, tuple[float, bytes]] = {}

    async def get(self, key: str) -> bytes | None:
        until, value = self._values.get(key, (0.0, b""))
        return value if until > self._clock.now().timestamp() else None

    async def put(self, key: str, value: bytes) -> None:
        self._values.pop(key, None)
        if len(self._values) >= self._most:
            del self._values[next(iter(self._values))]
        self._values[key] = self._clock.now().timestamp() + self._seconds, value

    async def add(self, key: str, value: bytes) -> None:
        if await self.get(key) is None:
            await self.put(key, value)
