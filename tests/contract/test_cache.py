"""The contract of `Cache`, for every adapter."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from adapters.memory.cache import MemoryCache
from config.container.storage import Storage
from config.sections.section import Secret
from config.sections.servers import Redis
from config.settings import Adapters, Settings
from core.kernel.cache import Cache
from core.kernel.errors import NotFound
from tests.applications import an_application
from tests.examples import StoppedClock, ids
from tests.tcp_switch import tcp_switch


def cache_on(redis: Redis, cache: str = "redis") -> Cache:
    settings = Settings(adapters=Adapters(cache=cache), redis=redis)  # type: ignore[arg-type]
    made: Cache = an_application(settings).storage.cache()
    return made


@pytest.fixture(params=sorted(Storage.cache.providers))
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    redis = request.getfixturevalue("redis") if request.param == "redis" else Redis()
    cache = cache_on(redis, request.param)
    yield cache
    if hasattr(cache, "close"):
        await cache.close()


@pytest.fixture
async def two_processes(redis: Redis) -> AsyncIterator[tuple[Cache, Cache]]:
    caches = cache_on(redis), cache_on(redis)
    yield caches
    for each in caches:
        await each.close()  # type: ignore[attr-defined]


@pytest.fixture
def tag() -> str:
    return f"test:{ids.new()}"


class Source:
    """What is cached: a value that can be slow to read, and counts its readings."""

    def __init__(self, value: bytes = b"1") -> None:
        self.value, self.readings, self.let_go = value, 0, asyncio.Event()
        self.let_go.set()

    async def __call__(self) -> bytes:
        self.readings += 1
        value = self.value
        await self.let_go.wait()
        if value == b"missing":
            raise NotFound("there is none")
        return value

    async def begun(self, readings: int = 1) -> None:
        async with asyncio.timeout(20):
            while self.readings < readings:
                await asyncio.sleep(0.001)


async def test_a_value_is_computed_once_until_its_tag_is_cleared(cache: Cache, tag: str) -> None:
    source = Source()
    assert [await cache.fetch(f"{tag}-1", tag, source) for _ in range(3)] == [b"1"] * 3
    assert source.readings == 1

    source.value = b"2"
    await cache.clear(tag)

    assert [await cache.fetch(f"{tag}-1", tag, source) for _ in range(3)] == [b"2"] * 3
    assert source.readings == 2


async def test_clearing_a_tag_forgets_its_keys_and_no_others(cache: Cache, tag: str) -> None:
    first, second, other = Source(), Source(), Source()

    async def fetch_all() -> None:
        await cache.fetch(f"{tag}-1", tag, first)
        await cache.fetch(f"{tag}-2", tag, second)
        await cache.fetch(f"{tag}-3", f"{tag}-other", other)

    await fetch_all()
    await cache.clear(tag)
    await fetch_all()

    assert (first.readings, second.readings, other.readings) == (2, 2, 1)


async def test_concurrent_callers_share_a_computation_and_each_gets_its_own_key(cache: Cache, tag: str) -> None:
    sources = [Source(b"%d:%d" % (number, number)) for number in range(3)]

    told = await asyncio.gather(*(cache.fetch(f"{tag}-{each % 3}", tag, sources[each % 3]) for each in range(60)))

    assert told == [b"0:0", b"1:1", b"2:2"] * 20
    assert [source.readings for source in sources] == [1, 1, 1]


async def test_a_value_that_was_read_before_a_clear_is_not_kept_and_not_shared_afterwards(
    cache: Cache, tag: str
) -> None:
    source = Source()
    source.let_go.clear()
    slow = asyncio.create_task(cache.fetch(tag, tag, source))
    await source.begun()
    source.value = b"2"
    await cache.clear(tag)
    late = asyncio.create_task(cache.fetch(tag, tag, source))
    await source.begun(2)
    source.let_go.set()

    assert (await slow, await late) == (b"1", b"2")
    assert await cache.fetch(tag, tag, source) == b"2"


async def test_an_error_reaches_every_caller_and_is_not_kept(cache: Cache, tag: str) -> None:
    source = Source(b"missing")
    told = await asyncio.gather(*(cache.fetch(tag, tag, source) for _ in range(20)), return_exceptions=True)
    assert [type(each) for each in told] == [NotFound] * 20
    assert source.readings == 1

    source.value = b"2"
    assert await cache.fetch(tag, tag, source) == b"2"


async def test_a_caller_that_gives_up_takes_the_value_from_no_other(cache: Cache, tag: str) -> None:
    source = Source()
    source.let_go.clear()
    first, second = (asyncio.create_task(cache.fetch(tag, tag, source)) for _ in range(2))
    await source.begun()
    first.cancel()
    source.let_go.set()

    assert await second == b"1"
    assert source.readings == 1


async def test_a_process_keeps_a_bounded_number_of_values_for_a_stated_time(tag: str) -> None:
    clock = StoppedClock()
    cache, sources = MemoryCache(clock, ttl_seconds=2, max_entries=3), [Source() for _ in range(4)]
    for number, source in enumerate(sources):
        await cache.fetch(f"{number}", tag, source)
    for number in (3, 2, 1, 0):
        await cache.fetch(f"{number}", tag, sources[number])
    assert [source.readings for source in sources] == [2, 1, 1, 1]

    clock.pass_by(timedelta(seconds=2))
    await cache.fetch("3", tag, sources[3])
    assert sources[3].readings == 2


async def test_what_one_process_clears_is_cleared_for_all(two_processes: tuple[Cache, Cache], tag: str) -> None:
    (first, second), source = two_processes, Source()
    assert await first.fetch(tag, tag, source) == b"1"
    assert await second.fetch(tag, tag, source) == b"1"
    assert source.readings == 1

    source.value = b"2"
    await first.clear(tag)

    assert await second.fetch(tag, tag, source) == b"2"


async def test_a_slow_reader_in_another_process_does_not_undo_a_clear(
    two_processes: tuple[Cache, Cache], tag: str
) -> None:
    (first, second), source = two_processes, Source()
    source.let_go.clear()
    slow = asyncio.create_task(second.fetch(tag, tag, source))
    await source.begun()
    source.value = b"2"
    await first.clear(tag)
    source.let_go.set()

    assert await slow == b"1"
    assert await second.fetch(tag, tag, source) == b"2"
    assert await first.fetch(tag, tag, source) == b"2"


async def test_redis_keeps_every_key_for_a_stated_time(redis: Redis, tag: str) -> None:
    cache = cache_on(redis)
    await cache.clear(tag)
    await cache.fetch(tag, tag, Source())
    server = cache._redis  # type: ignore[attr-defined]
    seconds = {key: await server.ttl(key) for key in await server.keys(f"*{tag}*")}

    assert sorted(0 < each <= 60 for each in seconds.values()) == [False, True]
    assert all(0 < each <= 120 for each in seconds.values())
    await cache.close()  # type: ignore[attr-defined]


async def test_without_redis_values_are_computed(tag: str) -> None:
    cache, source = cache_on(Redis(url=Secret("redis://127.0.0.1:1/0"))), Source()
    await cache.clear(tag)
    assert [await cache.fetch(tag, tag, source) for _ in range(3)] == [b"1"] * 3
    assert source.readings == 3
    await cache.close()  # type: ignore[attr-defined]


async def test_a_redis_that_stops_in_the_middle_makes_reading_slower_and_never_wrong(redis: Redis, tag: str) -> None:
    server, loop = urlsplit(redis.url.reveal()), asyncio.get_running_loop()
    assert server.hostname
    assert server.port
    answering, source, bystander = (server.hostname, server.port), Source(), cache_on(redis)
    async with tcp_switch(answering) as (switch, port):
        cache = cache_on(Redis(url=Secret(f"redis://127.0.0.1:{port}/0")))
        assert await cache.fetch(tag, tag, source) == b"1"
        assert await bystander.fetch(tag, tag, source) == b"1"
        switch.target = "127.0.0.1", 1
        switch.silence()
        began = loop.time()
        for number in range(100):
            source.value = b"%d" % number
            await cache.clear(tag)
            assert await cache.fetch(tag, tag, source) == source.value
        assert loop.time() - began < 5

        switch.target = answering
        async with asyncio.timeout(20):  # what it cleared meanwhile is cleared for the others, too
            while await bystander.fetch(tag, tag, source) != b"99":
                await asyncio.sleep(0.02)
            before = -1
            while before != source.readings:  # and it is used again
                before = source.readings
                assert await cache.fetch(tag, tag, source) == b"99"
        await cache.close()  # type: ignore[attr-defined]
    await bystander.close()  # type: ignore[attr-defined]
