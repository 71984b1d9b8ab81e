"""Rate limits that all processes count together in Redis, by its clock; without Redis each process counts alone."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

import structlog
from prometheus_client import Counter
from redis.exceptions import RedisError

from adapters.redis.cache import client
from core.kernel.batching import Batcher, PendingItem
from core.kernel.errors import Unavailable
from core.kernel.rate_limit import SLICES_COUNTED, Limit, RateLimiter, Verdict, judge

log = structlog.get_logger()
LOCAL_VERDICTS = Counter("bursar_rate_limits_local", "Requests judged by the limits of one process, without Redis")
DEADLINE_SECONDS = 0.02
"""A later answer is not waited for: a process that is busy itself needs most of this time to notice an answer."""
RECOVERY_SECONDS = 1.0
"""The time between two attempts to reach a Redis that failed; requests do not wait for them."""
SCRIPT = files("adapters.redis").joinpath("rate_limiter.lua").read_text(encoding="utf-8")
TAKE, RETURN = 1, -1
Request = tuple[int, Mapping[str, Limit]]
"""`TAKE` or `RETURN`, and the keys."""


class RedisRateLimiter(RateLimiter):
    """Requests of one moment are one call of one script."""

    def __init__(self, url: str, ca_file: str, prefix: str, local: RateLimiter) -> None:
        self._redis = client(url, ca_file, RECOVERY_SECONDS)
        self._prefix, self._local = f"{prefix}rate:", local
        self._script = self._redis.register_script(SCRIPT)
        self._calls = Batcher[Request, Verdict | None](self._call_batch)
        self._recovery: asyncio.Task[None] | None = None
        """Runs while Redis is away."""

    async def acquire(self, wanted: Mapping[str, Limit]) -> Verdict:
        if verdict := await self._call(TAKE, wanted):
            return verdict
        LOCAL_VERDICTS.inc()
        return await self._local.acquire(wanted)

    async def release(self, taken: Mapping[str, Limit]) -> None:
        if await self._call(RETURN, taken) is None:
            await self._local.release(taken)

    async def close(self) -> None:
        """Close the connections."""
        if self._recovery:
            self._recovery.cancel()
            await asyncio.wait([self._recovery])
        await self._redis.aclose()

    @property
    def _away(self) -> bool:
        return self._recovery is not None and not self._recovery.done()

    async def _call(self, amount: int, keys: Mapping[str, Limit]) -> Verdict | None:
        """Return the verdict of Redis; None while it is away."""
        if self._away:
            return None
        try:
            return await self._calls((amount, keys))
        except Unavailable:  # the queue of calls is full
            return None

    async def _call_batch(self, batch: Sequence[PendingItem[Request, Verdict | None]]) -> None:
        counted = None if self._away else await self._count([each.item for each in batch])
        for each in batch:
            keys = each.item[1]
            each.resolve(judge(keys, [(next(counted), next(counted)) for _ in keys]) if counted else None)

    async def _count(self, requests: Sequence[Request]) -> Iterator[int] | None:
        """Return two numbers for each key; None, and try to reach Redis from then on, if it does not answer in time."""
        names = [self._prefix + key for _, keys in requests for key in keys]
        arguments = [SLICES_COUNTED]
        for amount, keys in requests:
            arguments += [amount, len(keys)]
            for limit in keys.values():
                arguments += [limit.permits, limit.slice_ms]
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                counted: list[int] = await self._script(names, arguments)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("rate_limits_local", error=repr(error))
            self._recovery = asyncio.create_task(self._recover())
            return None
        return iter(counted)

    async def _recover(self) -> None:
        """Wait until Redis takes writes again; a replica and a full Redis answer pings."""
        while True:
            try:
                await self._redis.set(f"{self._prefix}heartbeat", b"", ex=60)
            except (RedisError, OSError) as error:
                log.debug("rate_limits_still_local", error=repr(error))
                await asyncio.sleep(RECOVERY_SECONDS)
            else:
                log.info("rate_limits_shared_again")
                return
