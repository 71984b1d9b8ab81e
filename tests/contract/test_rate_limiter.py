"""The contract of `RateLimiter`, for every adapter."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from adapters.memory.rate_limiter import MemoryRateLimiter
from adapters.redis import rate_limiter
from adapters.redis.rate_limiter import LOCAL_VERDICTS
from config.container.storage import Storage
from config.sections.section import Secret
from config.sections.servers import Redis
from config.settings import Adapters, Settings
from core.kernel.rate_limit import SLICES, Limit, RateLimiter
from tests.applications import an_application
from tests.examples import StoppedClock, ids
from tests.tcp_switch import tcp_switch

SECOND = Limit("second", 5, 1)
HOUR = Limit("hour", 10, 3600)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a Redis that shares a busy machine with the tests."""
    monkeypatch.setattr(rate_limiter, "DEADLINE_SECONDS", 10.0)


@pytest.fixture(params=sorted(Storage.rate_limiter.providers))
async def limiter(request: pytest.FixtureRequest, patient: None) -> AsyncIterator[RateLimiter]:
    redis = request.getfixturevalue("redis") if request.param == "redis" else Redis()
    limiter = limiter_on(redis, request.param)
    yield limiter
    await close(limiter)


@pytest.fixture
def key() -> str:
    return f"test:{ids.new()}"


def limiter_on(redis: Redis, cache: str = "redis") -> RateLimiter:
    settings = Settings(adapters=Adapters(cache=cache), redis=redis)  # type: ignore[arg-type]
    limiter: RateLimiter = an_application(settings).storage.rate_limiter()
    return limiter


async def close(limiter: RateLimiter) -> None:
    if hasattr(limiter, "close"):
        await limiter.close()


async def taken(limiter: RateLimiter, wanted: Mapping[str, Limit], times: int) -> int:
    """Return how many of concurrent requests are allowed."""
    verdicts = await asyncio.gather(*(limiter.acquire(wanted) for _ in range(times)))
    return sum(verdict.allowed for verdict in verdicts)


async def test_parallel_requests_take_exactly_the_permits(limiter: RateLimiter, key: str) -> None:
    assert await taken(limiter, {key: HOUR}, 50) == 10
    assert await taken(limiter, {f"{key}-other": HOUR}, 50) == 10


async def test_a_verdict_counts_down_and_says_when_a_permit_is_free(limiter: RateLimiter, key: str) -> None:
    verdicts = [await limiter.acquire({key: HOUR}) for _ in range(12)]

    assert [verdict.remaining for verdict in verdicts] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]
    assert [verdict.allowed for verdict in verdicts] == [True] * 10 + [False] * 2
    assert all(3600 - 1 < verdict.wait_seconds <= 3600 * 1.1 for verdict in verdicts)
    assert {verdict.limit for verdict in verdicts} == {HOUR}


@pytest.mark.alone
async def test_permits_are_free_again_after_the_window_and_not_before(limiter: RateLimiter, key: str) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await taken(limiter, {key: SECOND}, 50) == 5
    ended = loop.time()
    async with asyncio.timeout(20):
        while not (verdict := await limiter.acquire({key: SECOND})).allowed:
            assert 0 < verdict.wait_seconds <= 1.1
            await asyncio.sleep(min(verdict.wait_seconds, 0.02))

    assert loop.time() - began > 0.99
    assert loop.time() - ended < 1.5


async def test_a_request_that_one_limit_refuses_takes_no_permit_of_another(limiter: RateLimiter, key: str) -> None:
    narrow = Limit("narrow", 2, 3600)
    wanted = {f"{key}-narrow": narrow, f"{key}-wide": HOUR}

    verdicts = [await limiter.acquire(wanted) for _ in range(9)]

    assert [verdict.allowed for verdict in verdicts] == [True] * 2 + [False] * 7
    assert {verdict.limit for verdict in verdicts} == {narrow}
    assert (await limiter.acquire({f"{key}-wide": HOUR})).remaining == 10 - 3


async def test_several_permits_are_taken_together_or_not_at_all(limiter: RateLimiter, key: str) -> None:
    asked = [await limiter.acquire({key: HOUR}, permits) for permits in (7, 4, 11, 3, 2)]

    assert [(each.allowed, each.remaining) for each in asked] == [
        (True, 3), (False, 3), (False, 3), (True, 0), (False, 0),
    ]  # fmt: skip
    assert all(3600 - 1 < each.wait_seconds <= 3600 * 1.1 for each in asked)


async def test_a_returned_permit_can_be_taken_again(limiter: RateLimiter, key: str) -> None:
    assert await taken(limiter, {key: HOUR}, 50) == 10
    for _ in range(3):
        await limiter.release({key: HOUR})
    assert await taken(limiter, {key: HOUR}, 50) == 3


async def test_returning_what_was_not_taken_adds_no_permits(limiter: RateLimiter, key: str) -> None:
    await limiter.release({key: HOUR})
    await limiter.acquire({key: HOUR})
    for _ in range(3):
        await limiter.release({key: HOUR})
    assert await taken(limiter, {key: HOUR}, 50) == 10


async def test_no_window_of_any_beginning_has_more_than_the_permits(key: str) -> None:
    """Against a plain list of times, with a clock that jumps irregularly."""
    clock, chance, limit = StoppedClock(), random.Random(14), Limit("test", 7, 10)
    limiter, allowed = MemoryRateLimiter(clock), list[float]()
    for _ in range(5_000):
        clock.pass_by(timedelta(seconds=chance.expovariate(2)))
        now = clock.now().timestamp()
        earlier = sum(now - time < limit.seconds for time in allowed)
        possible = sum(now - time <= limit.seconds * (1 + 1 / SLICES) for time in allowed) < limit.permits
        verdict = await limiter.acquire({key: limit})
        assert earlier < limit.permits or not verdict.allowed
        assert verdict.allowed or not possible
        allowed += [now] if verdict.allowed else []


async def test_a_process_keeps_a_bounded_number_of_keys(key: str) -> None:
    limiter = MemoryRateLimiter(StoppedClock(), max_keys=100)
    for number in range(101):
        await limiter.acquire({f"{key}-{number}": HOUR})

    assert (await limiter.acquire({f"{key}-100": HOUR})).remaining == 8
    assert (await limiter.acquire({f"{key}-0": HOUR})).remaining == 9


@pytest.mark.usefixtures("patient")
async def test_redis_forgets_a_key_when_its_window_is_over(redis: Redis, key: str) -> None:
    limiter = limiter_on(redis)
    await limiter.acquire({key: SECOND})
    found: list[bytes] = []

    async def gone() -> bool:
        found[:] = await limiter._redis.keys(f"*{key}*")  # type: ignore[attr-defined]
        return not found

    assert not await gone()
    async with asyncio.timeout(20):
        while not await gone():
            await asyncio.sleep(0.02)
    await close(limiter)


@pytest.mark.usefixtures("patient")
async def test_processes_count_together_in_redis(redis: Redis, key: str) -> None:
    first, second = limiter_on(redis), limiter_on(redis)
    both = await asyncio.gather(taken(first, {key: HOUR}, 50), taken(second, {key: HOUR}, 50))
    assert sum(both) == 10
    await close(first)
    await close(second)


@pytest.mark.alone
async def test_without_redis_a_process_counts_alone_and_no_request_waits(key: str) -> None:
    limiter = limiter_on(Redis(url=Secret("redis://127.0.0.1:1/0")))
    loop, before = asyncio.get_running_loop(), local_verdicts()
    began = loop.time()

    assert await taken(limiter, {key: HOUR}, 50) == 10
    for _ in range(1_000):
        assert not (await limiter.acquire({key: HOUR})).allowed

    assert loop.time() - began < 0.5
    assert local_verdicts() - before == 1_050
    await close(limiter)


@pytest.mark.alone
async def test_a_redis_that_falls_silent_costs_one_deadline_and_is_used_again_when_it_answers(
    redis: Redis, key: str
) -> None:
    server, loop = urlsplit(redis.url.reveal()), asyncio.get_running_loop()
    assert server.hostname
    assert server.port
    answering = server.hostname, server.port
    async with tcp_switch(answering) as (switch, port):
        limiter = limiter_on(Redis(url=Secret(f"redis://127.0.0.1:{port}/0")))
        async with asyncio.timeout(20):
            while await judged_alone(limiter, f"{key}-warm"):  # a connection can take longer than a request waits
                await asyncio.sleep(0.02)
        assert await taken(limiter, {key: HOUR}, 7) == 7
        switch.target = "127.0.0.1", 1
        switch.silence()

        began = loop.time()
        assert await taken(limiter, {key: HOUR}, 50) == 10  # of the process alone
        assert await taken(limiter, {key: HOUR}, 50) == 0
        assert loop.time() - began < 0.5

        switch.target = answering
        async with asyncio.timeout(20):
            while (await limiter.acquire({key: HOUR})).remaining != 10 - 8:
                await asyncio.sleep(0.02)
        await close(limiter)


async def judged_alone(limiter: RateLimiter, key: str) -> bool:
    before = local_verdicts()
    await limiter.acquire({key: HOUR})
    return local_verdicts() > before


def local_verdicts() -> float:
    return LOCAL_VERDICTS._value.get()
