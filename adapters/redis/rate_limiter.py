"""Rate limits that all processes count together in Redis, by its clock; without Redis each process counts alone."""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import TypeVar

from prometheus_client import Counter

from adapters.redis.link import FAILURES, RedisLink, client
from core.kernel.batching import Batcher, PendingItem
from core.kernel.errors import Unavailable
from core.kernel.rate_limit import SLICES_COUNTED, Limit, RateLimiter, Verdict, judge

LOCAL_VERDICTS = Counter("bursar_rate_limits_local", "Requests judged by the limits of one process, without Redis")
DEADLINE_SECONDS = 0.02
"""A later answer is not waited for."""
ROUNDS_UNTIL_READ = 4
"""Rounds of the event loop between the arrival of an answer and the end of its call."""
ATTEMPT_SECONDS = 1.0
"""The time limit of an attempt to reach a Redis that failed; requests do not wait for it."""
SCRIPT = files("adapters.redis").joinpath("rate_limiter.lua").read_text(encoding="utf-8")
RETURN = -1
T = TypeVar("T")
Request = tuple[int, Mapping[str, Limit]]
"""The permits to take, or `RETURN`, and the keys."""


class RedisRateLimiter(RateLimiter):
    """Requests of one moment are one call of one script."""

    def __init__(self, url: str, ca_file: str, prefix: str, local: RateLimiter) -> None:
        self._redis = client(url, ca_file, ATTEMPT_SECONDS)
        self._prefix, self._local = f"{prefix}rate:", local
        self._script = self._redis.register_script(SCRIPT)
        self._calls = Batcher[Request, Verdict | None](self._call_batch)
        self._link = RedisLink(self._redis, "rate_limits", self._beat)

    async def acquire(self, wanted: Mapping[str, Limit], permits: int = 1) -> Verdict:
        if verdict := await self._call(permits, wanted):
            return verdict
        LOCAL_VERDICTS.inc()
        return await self._local.acquire(wanted, permits)

    async def release(self, taken: Mapping[str, Limit]) -> None:
        if await self._call(RETURN, taken) is None:
            await self._local.release(taken)

    async def close(self) -> None:
        """Close the connections."""
        await self._link.close()

    async def _call(self, amount: int, keys: Mapping[str, Limit]) -> Verdict | None:
        """Return the verdict of Redis; None while it is away."""
        if self._link.away:
            return None
        try:
            return await self._calls((amount, keys))
        except Unavailable:  # the queue of calls is full
            return None

    async def _call_batch(self, batch: Sequence[PendingItem[Request, Verdict | None]]) -> None:
        counted = None if self._link.away else await self._count([each.item for each in batch])
        for each in batch:
            amount, keys = each.item
            each.resolve(judge(keys, [(next(counted), next(counted)) for _ in keys], amount) if counted else None)

    async def _count(self, requests: Sequence[Request]) -> Iterator[int] | None:
        """Return two numbers for each key; None, and try to reach Redis from then on, if it does not answer in time."""
        names = [self._prefix + key for _, keys in requests for key in keys]
        arguments = [SLICES_COUNTED]
        for amount, keys in requests:
            arguments += [amount, len(keys)]
            for limit in keys.values():
                arguments += [limit.permits, limit.slice_ms]
        try:
            counted: list[int] = await within_deadline(self._script(names, arguments))
        except FAILURES as error:
            self._link.lost(error)
            return None
        return iter(counted)

    async def _beat(self) -> None:
        await self._redis.set(f"{self._prefix}heartbeat", b"", ex=60)


async def within_deadline(call: Awaitable[T]) -> T:
    """Return the answer of a call; raise `TimeoutError`, unless only this process was late to see an answer."""
    task = asyncio.ensure_future(call)
    try:
        await asyncio.wait([task], timeout=DEADLINE_SECONDS)
        for _ in range(ROUNDS_UNTIL_READ):
            if not task.done():
                await asyncio.sleep(0)
        if not task.done():
            raise TimeoutError(f"no answer within {DEADLINE_SECONDS} s")
        return task.result()
    finally:
        task.cancel()
