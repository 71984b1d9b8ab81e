"""The cache in Redis that all processes share, and its probe."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from adapters.tls import client_context
from core.kernel.batching import Batcher, PendingItem
from core.kernel.cache import Cache
from core.kernel.errors import Unavailable
from core.kernel.health import Probe

log = structlog.get_logger()
TIMEOUT_SECONDS, PROBE_TIMEOUT_SECONDS = 0.25, 1.0
"""A slower answer would cost more than the query that the cache saves."""


def client(url: str, ca_file: str, timeout_seconds: float) -> Redis:
    """Return a client that connects at its first command; `ca_file` is trusted instead of the system's authorities.

    Raises `Invalid` for a file that cannot be used.
    """
    options: dict[str, Any] = {"socket_timeout": timeout_seconds, "socket_connect_timeout": timeout_seconds}
    if ca_file:
        client_context("verified", ca_file, "", "")  # Redis would open the file only at the first command
        options["ssl_ca_certs"] = ca_file
    # One repetition at once, for a connection that Redis closed meanwhile; by default there are many, with pauses.
    return Redis.from_url(url, retry=Retry(NoBackoff(), 1), **options)


class RedisCache(Cache):
    """Without Redis every lookup finds nothing, and callers query the database."""

    def __init__(self, url: str, ca_file: str, ttl_seconds: int, prefix: str) -> None:
        self._redis = client(url, ca_file, TIMEOUT_SECONDS)
        self._ttl_seconds, self._prefix = ttl_seconds, prefix
        self._lookups = Batcher[str, bytes | None](self._look_up_batch)

    async def get(self, key: str) -> bytes | None:
        with suppress(Unavailable):  # the queue of lookups is full
            return await self._lookups(key)
        return None

    async def put(self, key: str, value: bytes) -> None:
        await self._set(key, value, only_if_absent=False)

    async def add(self, key: str, value: bytes) -> None:
        await self._set(key, value, only_if_absent=True)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _look_up_batch(self, batch: Sequence[PendingItem[str, bytes | None]]) -> None:
        """Answer all lookups of one moment with one command."""
        keys = list({each.item for each in batch})
        try:
            values = await self._redis.mget([self._prefix + key for key in keys])
        except (RedisError, OSError) as error:
            log.warning("cache_unreachable", error=repr(error))
            values = [None] * len(keys)
        known = {
            key: value.encode() if isinstance(value, str) else value for key, value in zip(keys, values, strict=True)
        }
        for each in batch:
            each.resolve(known[each.item])

    async def _set(self, key: str, value: bytes, *, only_if_absent: bool) -> None:
        try:
            await self._redis.set(self._prefix + key, value, ex=self._ttl_seconds, nx=only_if_absent)
        except (RedisError, OSError) as error:
            log.warning("cache_unreachable", error=repr(error))


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
        except (RedisError, OSError) as error:
            raise Unavailable(f"Redis does not take writes: {error}") from error
        finally:
            await self._redis.aclose()
        return "answers"
