"""What each probe of a server vouches for."""

import pytest
from redis.asyncio import Redis as Client

from adapters.kafka.probe import KafkaProbe
from adapters.kafka.topics import KafkaTopics
from adapters.redis.cache import RedisProbe
from config.settings import Kafka, Redis
from core.kernel.errors import Unavailable


async def test_a_broker_without_a_topic_is_not_ready(kafka: Kafka) -> None:
    probe = KafkaProbe(bootstrap=kafka.bootstrap, topic_prefix=kafka.topic_prefix, contexts=["fees"])

    with pytest.raises(Unavailable, match=f"has no topic {kafka.topic_prefix}bursar.fees.v1"):
        await probe.check()
    await KafkaTopics(
        bootstrap=kafka.bootstrap,
        topic_prefix=kafka.topic_prefix,
        partitions=3,
        replicas=1,
        commands_days=1,
        events_days=1,
        contexts=["fees"],
    )()
    assert await probe.check() == f"{kafka.bootstrap}, 1 topics"


async def test_a_redis_that_takes_no_writes_is_told(redis: Redis) -> None:
    probe = RedisProbe(url=redis.url.reveal(), prefix="test:")
    assert await probe.check() == "answers"

    client = Client.from_url(redis.url.reveal())
    try:
        await client.config_set("maxmemory", "1")
        with pytest.raises(Unavailable, match="does not take writes"):
            await probe.check()
    finally:
        await client.config_set("maxmemory", "0")
        await client.aclose()
