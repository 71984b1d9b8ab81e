"""What each probe of a server vouches for."""

import asyncio
from contextlib import suppress

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from redis.asyncio import Redis as Client

from adapters.kafka.probe import HEARTBEAT_TOPIC
from adapters.kafka.topic_settings import change_settings
from config.sections.servers import Kafka, Redis
from config.settings import Adapters, Settings
from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from tests.applications import an_application


async def eventually_ready(probe: Probe) -> str:
    async with asyncio.timeout(20):  # the broker learns of its topics after it has answered
        while True:
            with suppress(Unavailable):
                return await probe.check()


async def test_a_broker_without_a_topic_is_not_ready(kafka: Kafka) -> None:
    settings = Settings(adapters=Adapters(events="kafka"), kafka=kafka)
    messaging = an_application(settings).messaging

    with pytest.raises(Unavailable, match=f"has no topic {kafka.topic_prefix}bursar.fees"):
        await messaging.events_probe().check()
    await messaging.topics()()
    assert "topics" in await eventually_ready(messaging.events_probe())


async def test_a_broker_whose_partitions_take_no_messages_is_not_ready(kafka: Kafka) -> None:
    settings = Settings(adapters=Adapters(events="kafka"), kafka=kafka)
    messaging = an_application(settings).messaging
    await messaging.topics()()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        assert "took a message" in await eventually_ready(messaging.events_probe())
        await change_settings(admin, f"{kafka.topic_prefix}{HEARTBEAT_TOPIC}", {"max.message.bytes": "1"})
        with pytest.raises(Unavailable, match="acknowledges no message"):
            async with asyncio.timeout(20):
                while await messaging.events_probe().check():
                    pass
    finally:
        await admin.close()


async def test_a_redis_that_takes_no_writes_is_told(redis: Redis) -> None:
    settings = Settings(adapters=Adapters(cache="redis"), redis=redis)
    probe = an_application(settings).storage.cache_probe()
    assert await probe.check() == "answers"

    client = Client.from_url(redis.url.reveal())
    try:
        await client.config_set("maxmemory", "1")
        with pytest.raises(Unavailable, match="does not take writes"):
            await probe.check()
    finally:
        await client.config_set("maxmemory", "0")
        await client.aclose()
