"""The cache in Redis that all processes share, and its probe."""

from secrets import token_hex
from typing import Any

from adapters.redis.link import FAILURES, RedisLink, client
from core.kernel.cache import Cache, Compute
from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.kernel.single_flight import SingleFlight

TIMEOUT_SECONDS, PROBE_TIMEOUT_SECONDS = 0.25, 1.0
"""A slower answer would cost more than the query that the cache saves."""


class RedisCache(Cache):
    """Values carry the generation that their tag had before they were computed; `clear` begins a new generation.

    Without Redis every value is computed.  What is cleared meanwhile is cleared in Redis before it is used again; a
    process that ends before that leaves values that the others return for up to `ttl_seconds`.
    """

    def __init__(self, url: str, ca_file: str, ttl_seconds: int, prefix: str) -> None:
        self._redis = client(url, ca_file, TIMEOUT_SECONDS)
        self._link = RedisLink(self._redis, "cache", self._recover)
        self._ttl_seconds, self._prefix = ttl_seconds, f"{prefix}cache:"
        self._flights = SingleFlight[bytes]()
        self._to_clear = set[str]()
        """Tags whose new generation Redis does not have yet."""

    async def fetch(self, key: str, tag: str, compute: Compute) -> bytes:
        async def look_up_or_compute() -> bytes:
            generation, kept = await self._look_up(key, tag)
            if kept is not None:
                return kept
            value = await compute()
            if generation is not None:
                await self._keep(key, generation, value)
            return value

        if self._link.away or tag in self._to_clear:
            return await self._flights.share(key, tag, compute)
        return await self._flights.share(key, tag, look_up_or_compute)

    async def clear(self, tag: str) -> None:
        self._flights.leave(tag)
        self._to_clear.add(tag)
        if not self._link.away:
            try:
                await self._clear_in_redis()
            except FAILURES as error:
                self._link.lost(error)

    async def close(self) -> None:
        """Close the connections."""
        await self._link.close()

    async def _recover(self) -> None:
        await self._redis.set(f"{self._prefix}heartbeat", b"", ex=self._ttl_seconds)
        await self._clear_in_redis()

    async def _clear_in_redis(self) -> None:
        """Begin new generations, which outlive the values of those before."""
        while self._to_clear:
            tag = self._to_clear.pop()  # first, so that it stays in the set if it is cleared again meanwhile
            try:
                await self._redis.set(self._generation_of(tag), token_hex(8), ex=2 * self._ttl_seconds)
            except BaseException:
                self._to_clear.add(tag)
                raise

    async def _look_up(self, key: str, tag: str) -> tuple[bytes | None, bytes | None]:
        """Return the generation of the tag, and the value unless it is of another one; None without Redis."""
        try:
            found: Any = await self._redis.mget(self._generation_of(tag), self._prefix + key)
        except FAILURES as error:
            self._link.lost(error)
            return None, None
        generation, kept = found[0] or b"", found[1]
        if kept is None or not kept.startswith(generation + b":"):
            return generation, None
        return generation, kept[len(generation) + 1 :]

    async def _keep(self, key: str, generation: bytes, value: bytes) -> None:
        try:
            await self._redis.set(self._prefix + key, generation + b":" + value, ex=self._ttl_seconds)
        except FAILURES as error:
            self._link.lost(error)

    def _generation_of(self, tag: str) -> str:
        return f"{self._prefix}generation:{tag}"


class RedisProbe(Probe):
    """Writes one key: a replica answers a ping, and a full Redis too."""

    name = "cache (redis)"
    essential = False
    remedy = "start Redis or correct redis.url; without it every price is read from the database"

    def __init__(self, url: str, ca_file: str, prefix: str) -> None:
        self._redis, self._key = client(url, ca_file, PROBE_TIMEOUT_SECONDS), f"{prefix}heartbeat"

    async def check(self) -> str:
        try:
            await self._redis.set(self._key, b"", ex=60)
        except FAILURES as error:
            raise Unavailable(f"Redis does not take writes: {error}") from error
        finally:
            await self._redis.aclose()
        return "answers"
