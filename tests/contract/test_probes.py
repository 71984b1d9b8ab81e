"""What each probe of a server vouches for."""

import asyncio
from contextlib import suppress

import pytest
from redis.asyncio import Redis as Client

from config.container import Application
from config.sections.servers import Kafka, Redis
from config.settings import Adapters, Settings
from core.kernel.errors import Unavailable
from entrypoints.contexts import ROUTES


async def test_a_broker_without_a_topic_is_not_ready(kafka: Kafka) -> None:
    settings = Settings(adapters=Adapters(events="kafka"), kafka=kafka)
    messaging = Application(settings=settings, routes=ROUTES).messaging

    with pytest.raises(Unavailable, match=f"has no topic {kafka.topic_prefix}bursar.fees"):
        await messaging.events_probe().check()
    await messaging.topics()()
    async with asyncio.timeout(20):  # the broker learns of its topics after it has answered
        while True:
            with suppress(Unavailable):
                assert "topics" in await messaging.events_probe().check()
                break


async def test_a_redis_that_takes_no_writes_is_told(redis: Redis) -> None:
    settings = Settings(adapters=Adapters(cache="redis"), redis=redis)
    probe = Application(settings=settings).storage.cache_probe()
    assert await probe.check() == "answers"

    client = Client.from_url(redis.url.reveal())
    try:
        await client.config_set("maxmemory", "1")
        with pytest.raises(Unavailable, match="does not take writes"):
            await probe.check()
    finally:
        await client.config_set("maxmemory", "0")
        await client.aclose()
