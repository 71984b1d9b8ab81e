"""Connections to Redis, and whether it answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from adapters.tls import client_context

log = structlog.get_logger()
RECOVERY_SECONDS = 1.0
"""The time between two attempts to reach a Redis that failed."""
FAILURES = (RedisError, OSError, TimeoutError)


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


class RedisLink:
    """After a failure no call tries Redis until `attempt`, repeated in the background, succeeds."""

    def __init__(self, redis: Redis, name: str, attempt: Callable[[], Awaitable[None]]) -> None:
        """`name` begins the events of the log; `attempt` must write: a replica and a full Redis answer pings."""
        self._redis, self._name, self._attempt = redis, name, attempt
        self._recovery: asyncio.Task[None] | None = None

    @property
    def away(self) -> bool:
        """Whether Redis failed and has not answered since."""
        return self._recovery is not None and not self._recovery.done()

    def lost(self, error: Exception) -> None:
        """Note a failure."""
        if not self.away:
            log.warning(f"{self._name}_unreachable", error=error)
            self._recovery = asyncio.create_task(self._recover())

    async def close(self) -> None:
        """Close the connections."""
        if self._recovery:
            self._recovery.cancel()
            await asyncio.wait([self._recovery])
        await self._redis.aclose()

    async def _recover(self) -> None:
        while True:
            try:
                await self._attempt()
            except FAILURES as error:
                log.debug(f"{self._name}_still_unreachable", error=error)
                await asyncio.sleep(RECOVERY_SECONDS)
            else:
                log.info(f"{self._name}_reachable")
                return
