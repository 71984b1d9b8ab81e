"""The contract of `Publisher`, for every adapter."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError

from adapters.kafka.publisher import KafkaPublisher
from config.container import Application
from config.sections.servers import Kafka
from config.settings import Adapters, Settings
from core.kernel.errors import Unavailable
from core.kernel.trace import Trace
from core.messaging.message import Message, MessageBatchHandler
from entrypoints.messages.kafka import KafkaTransport
from entrypoints.messages.rabbitmq import RabbitMQTransport
from entrypoints.routes import ROUTES
from tests.applications import an_application
from tests.conftest import eventually
from tests.examples import a_message, ids

TRACE = Trace("req-7", "00-" + "a" * 32 + "-" + "b" * 16 + "-01")


@asynccontextmanager
async def listening(application: Application) -> AsyncIterator[list[Message]]:
    """Yield a list of the published messages, as a consumer of the same transport receives them."""
    heard: list[Message] = []

    async def deliver(messages: Sequence[Message]) -> None:
        heard.extend(messages)

    settings = application.settings()
    if settings.adapters.events == "embedded":
        application.messaging.broker().subscribe(deliver)
        yield heard
        return
    stop = asyncio.Event()
    running = asyncio.create_task(transport_of(application, deliver).run(stop))
    yield heard
    stop.set()
    await running


def transport_of(application: Application, deliver: MessageBatchHandler) -> KafkaTransport | RabbitMQTransport:
    settings = application.settings()
    if settings.adapters.events == "rabbitmq":
        server = application.messaging.rabbitmq_server()
        queues = application.messaging.rabbitmq_queues(ROUTES.consumed_contexts)
        return RabbitMQTransport(server.connect, server.nodes, queues, deliver)
    kafka = settings.kafka
    return KafkaTransport(
        {"bootstrap_servers": kafka.bootstrap}, kafka.topic_prefix, kafka.group, ROUTES.consumed_contexts, deliver
    )


async def test_what_is_published_arrives_whole(application: Application) -> None:
    message = a_message(body='{"name":"आशा"}'.encode(), version=3, data_version=2, trace=TRACE)
    async with listening(application) as heard:
        assert list(await application.messaging.publisher().publish([message])) == [None]
        await eventually(lambda: heard)

    assert replace(heard[0], origin={}, at=message.at) == message


async def test_events_of_an_aggregate_arrive_in_order(application: Application) -> None:
    subjects = [ids.new() for _ in range(5)]
    messages = [a_message(subject=subject, version=version) for version in range(1, 21) for subject in subjects]
    async with listening(application) as heard:
        for start in range(0, 100, 30):
            results = await application.messaging.publisher().publish(messages[start : start + 30])
            assert not any(results)
        await eventually(lambda: len(heard) == 100)

    for subject in subjects:
        assert [message.version for message in heard if message.subject == subject] == list(range(1, 21))


@pytest.mark.parametrize("application", ["embedded"], indirect=True)
async def test_without_a_consumer_nothing_counts_as_published(application: Application) -> None:
    with pytest.raises(Unavailable, match="consumer"):
        await application.messaging.publisher().publish([a_message()])


@pytest.mark.parametrize("application", ["embedded"], indirect=True)
async def test_what_has_no_effect_does_not_count_as_published(application: Application) -> None:
    async def refuse(_: Sequence[Message]) -> None:
        raise Unavailable("the database is away")

    application.messaging.broker().subscribe(refuse)
    with pytest.raises(Unavailable, match="away"):
        await application.messaging.publisher().publish([a_message()])


async def test_an_unreachable_broker_is_reported_unavailable_within_the_timeout() -> None:
    settings = Settings(adapters=Adapters(events="kafka"), kafka=Kafka(bootstrap="127.0.0.1:1"))
    publisher = an_application(settings).messaging.publisher()
    async with asyncio.timeout(12):
        with pytest.raises(Unavailable, match=r"Kafka at 127\.0\.0\.1:1"):
            await publisher.publish([a_message()])
    await publisher.close()


@pytest.mark.parametrize("application", ["kafka", "rabbitmq"], indirect=True)
async def test_an_event_without_a_topic_fails_alone_without_delaying_the_batch(application: Application) -> None:
    astray, good = a_message(context="nowhere"), [a_message(), a_message()]
    async with listening(application) as heard, asyncio.timeout(5):
        first, refused, last = await application.messaging.publisher().publish([good[0], astray, good[1]])
        assert first is last is None
        assert "bursar topics" in str(refused)
        await eventually(lambda: len({message.id for message in heard}) == 2)


@pytest.mark.parametrize("application", ["kafka"], indirect=True)
async def test_an_event_that_is_too_large_fails_alone(application: Application) -> None:
    small, large = a_message(), a_message(body=b"x" * 2_000_000)
    async with listening(application) as heard:
        results = await application.messaging.publisher().publish([large, small])
        await eventually(lambda: heard)

    assert [result is None for result in results] == [False, True]
    assert [message.id for message in heard] == [small.id]


@pytest.mark.parametrize("application", ["kafka"], indirect=True)
async def test_a_record_refused_by_the_broker_affects_no_other_record(application: Application) -> None:
    kafka, large = application.settings().kafka, a_message(body=b"x" * 50_000)
    before, company, after = ([a_message() for _ in range(50)] for _ in range(3))
    await the_broker_takes_at_most(20_000, kafka)
    async with listening(application) as heard:
        results = [
            await application.messaging.publisher().publish(batch) for batch in (before, [large, *company], after)
        ]
        await eventually(lambda: len({message.id for message in heard}) == 150)

    assert isinstance(results[1][0], MessageSizeTooLargeError)
    assert [*results[0], *results[1][1:], *results[2]] == [None] * 150
    assert {message.id for message in heard} == {message.id for message in before + company + after}


@pytest.mark.alone
@pytest.mark.parametrize("application", ["kafka"], indirect=True)
async def test_a_silent_broker_fails_every_pending_record(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.kafka.publisher.SEND_TIMEOUT_SECONDS", 0.5)
    publisher = application.messaging.publisher()
    assert isinstance(publisher, KafkaPublisher)
    await publisher.publish([a_message()])
    with fallen_silent(publisher):
        with pytest.raises(Unavailable):
            await publisher.publish([a_message() for _ in range(10)])
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a task still waits to send"

    assert await publisher.publish([a_message()]) == [None]
    with fallen_silent(publisher):
        began = time.monotonic()
        await publisher.close()
    assert time.monotonic() - began < 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def the_broker_takes_at_most(size: int, kafka: Kafka) -> None:
    """Make the broker refuse record batches above a size that clients do not know."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    limit = {"max.message.bytes": str(size)}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, f"{kafka.topic_prefix}bursar.fees.v1", limit)])
    await admin.close()


@contextmanager
def fallen_silent(publisher: KafkaPublisher) -> Iterator[None]:
    """Drop all responses of the broker."""
    for connection in publisher._producer.client._conns.values():
        connection._reader._transport.pause_reading()
    yield
