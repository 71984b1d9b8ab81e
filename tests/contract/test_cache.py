"""The contract of `Cache`, for every adapter."""

import asyncio

import pytest

from config.container import Application
from config.container.storage import Storage
from config.settings import Adapters, Redis, Secret, Settings
from core.kernel.cache import Cache
from tests.examples import ids


@pytest.fixture(params=sorted(Storage.cache.providers))
async def cache(request: pytest.FixtureRequest, redis_settings: Redis):
    settings = Settings(adapters=Adapters(cache=request.param), redis=redis_settings)
    cache = Application(settings=settings).storage.cache()
    yield cache
    if hasattr(cache, "close"):
        await cache.close()


@pytest.fixture
def redis_settings(request: pytest.FixtureRequest) -> Redis:
    """Start Redis only for the adapter that needs it."""
    wanted = request.node.callspec.params["cache"] == "redis"
    return request.getfixturevalue("redis") if wanted else Redis()


@pytest.fixture
def key() -> str:
    return f"test:{ids.new()}"


async def test_what_was_put_is_known(cache: Cache, key: str) -> None:
    assert await cache.get(key) is None
    await cache.put(key, b"1")
    await cache.put(key, b"2")
    assert await cache.get(key) == b"2"


async def test_concurrent_reads_each_get_the_value_of_their_own_key(cache: Cache, key: str) -> None:
    await cache.put(f"{key}-1", b"1")
    await cache.put(f"{key}-2", b"2")

    told = await asyncio.gather(*(cache.get(f"{key}-{number % 3}") for number in range(30)))

    assert told == [None, b"1", b"2"] * 10


async def test_a_slow_reader_does_not_undo_a_newer_put(cache: Cache, key: str) -> None:
    await cache.put(key, b"new")
    await cache.add(key, b"old")
    assert await cache.get(key) == b"new"


async def test_what_is_not_there_can_be_added(cache: Cache, key: str) -> None:
    await cache.add(key, b"1")
    assert await cache.get(key) == b"1"


async def test_a_cache_that_cannot_be_reached_knows_nothing_and_does_not_fail() -> None:
    away = Redis(url=Secret("redis://127.0.0.1:1/0"))
    cache = Application(settings=Settings(adapters=Adapters(cache="redis"), redis=away)).storage.cache()
    await cache.put("x", b"1")
    await cache.add("x", b"1")
    assert await cache.get("x") is None
    await cache.close()
