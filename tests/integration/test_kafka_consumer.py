"""Behaviour of the consumer that requires a real Kafka: offsets, redelivery, two consumers."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from time import monotonic
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError

from adapters.kafka.topic_settings import change_settings
from adapters.kafka.topics import SET_ON_TOPIC
from config.container import Application
from config.sections.office import Retention
from config.sections.servers import Kafka
from config.settings import Adapters, Settings
from core.kernel.errors import Unavailable
from core.messaging.message import Message, MessageBatchHandler
from core.messaging.routing import Routes
from entrypoints.messages.cloud_events import MAX_BODY_BYTES
from entrypoints.messages.handlers import ignore_messages
from entrypoints.messages.kafka import KafkaTransport
from entrypoints.messages.kafka_records import LOG_APPEND_TIME
from entrypoints.messages.partition import MAX_BATCHES_IN_FLIGHT
from entrypoints.routes import ROUTES
from tests.applications import an_application
from tests.conftest import eventually
from tests.examples import a_message
from tests.unit.messages.harness import ConsumerHarness, a_command

UNREADABLE = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

class Name(str):
    def encode(self, *_):
        return bytes([255, 254])

async def main(bootstrap, topic):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(topic, b"1", partition=0)
        await producer.send_and_wait(topic, b"2", partition=0, headers=[(Name("x"), b"")])
        await producer.send_and_wait(topic, b"3", partition=0)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def application(kafka: Kafka) -> AsyncIterator[Application]:
    application = an_application(Settings(adapters=Adapters(events="kafka"), kafka=kafka))
    await application.messaging.topics()()
    yield application
    await application.messaging.publisher().close()


@asynccontextmanager
async def consuming(kafka: Kafka, deliver: MessageBatchHandler, **client: object) -> AsyncIterator[None]:
    stop = asyncio.Event()
    transport = KafkaTransport(
        {"bootstrap_servers": kafka.bootstrap},
        kafka.topic_prefix,
        kafka.group,
        ROUTES.consumed_contexts,
        deliver,
        **client,
    )
    running = asyncio.create_task(transport.run(stop))
    yield
    stop.set()
    async with asyncio.timeout(10):
        await running


async def committed(kafka: Kafka, context: str = "fees") -> int:
    """Return the number of messages that the group has committed."""
    client = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=kafka.group, enable_auto_commit=False)
    partitions = [TopicPartition(f"{kafka.topic_prefix}bursar.{context}.v1", number) for number in range(3)]
    async with client as consumer:
        return sum([await consumer.committed(partition) or 0 for partition in partitions])


async def test_the_offset_moves_after_the_effect(application: Application, kafka: Kafka) -> None:
    offsets_during: list[int] = []

    async def deliver(messages: Sequence[Message]) -> None:
        offsets_during.append(await committed(kafka))

    await application.messaging.publisher().publish([a_message()])
    async with consuming(kafka, deliver):
        await eventually(lambda: offsets_during)

    assert offsets_during == [0]
    assert await committed(kafka) == 1


async def test_an_outage_keeps_the_offset_and_the_messages_come_again_in_order(
    application: Application, kafka: Kafka
) -> None:
    outages, heard = 2, list[int]()

    async def deliver(messages: Sequence[Message]) -> None:
        nonlocal outages
        if outages:
            outages -= 1
            raise Unavailable("the database is away", retry_after=0.01)
        heard.extend(message.version for message in messages)

    subject = a_message().subject
    await application.messaging.publisher().publish(
        [a_message(subject=subject, version=version) for version in range(1, 6)]
    )
    async with consuming(kafka, deliver):
        await eventually(lambda: len(heard) == 5)

    assert heard == [1, 2, 3, 4, 5]
    assert await committed(kafka) == 5


async def members(admin: AIOKafkaAdminClient, group: str) -> set[str]:
    [described] = await admin.describe_consumer_groups([group])
    return {member[0] for member in described.groups[0][5]}


@pytest.mark.parametrize("away", [False, True])
async def test_a_slow_handler_keeps_its_group_membership(application: Application, kafka: Kafka, *, away: bool) -> None:
    """The partitions are paused for four times the maximum poll interval."""
    calls, go_on = Counter[str](), asyncio.Event()

    async def deliver(messages: Sequence[Message]) -> None:
        calls[f"{messages[0].context}/{messages[0].origin['partition']}"] += 1
        if away and not go_on.is_set():
            raise Unavailable("the database is away", retry_after=2)
        await go_on.wait()

    places = [(context, number) for context in ("fees", "fees.commands") for number in range(3)]
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for context, number in places:
            await producer.send_and_wait(f"{kafka.topic_prefix}bursar.{context}.v1", b"{}", partition=number)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    async with consuming(kafka, deliver, max_poll_interval_ms=250, heartbeat_interval_ms=50):
        await eventually(lambda: len(calls) == (6 if away else MAX_BATCHES_IN_FLIGHT))
        ours = await members(admin, kafka.group)
        until = monotonic() + 1
        while monotonic() < until:
            assert await members(admin, kafka.group) == ours
            assert await committed(kafka) == 0
        assert set(calls.values()) == {1}
        go_on.set()
        while await committed(kafka) + await committed(kafka, "fees.commands") < 6:
            assert monotonic() < until + 10
        assert len(ours) == 1
        assert await members(admin, kafka.group) == ours
    await admin.close()

    assert set(calls.values()) == {1 + away}


async def test_a_poisoned_message_is_buried_with_its_place_and_the_partition_goes_on(
    application: Application, kafka: Kafka
) -> None:
    harness = await ConsumerHarness().open()
    topic = f"{kafka.topic_prefix}bursar.fees.commands.v1"
    bodies = [a_command("T-1").body, *[b"{poison"] * 3, a_command("T-2").body]
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for body in bodies:
            await producer.send_and_wait(topic, body, partition=1, headers=[("ce_type", b"SubmitExamFee")])
    async with consuming(kafka, harness.consume):
        await eventually(lambda: len(harness.submitted) == 2)

    assert await committed(kafka, "fees.commands") == 5
    buried = [(message, letter.reason) for letter, message in harness.store.dead_letters.values()]
    assert [(message.body, message.origin["offset"], reason) for message, reason in buried] == [
        (b"{poison", str(offset), "DecodeError") for offset in (1, 2, 3)
    ]
    assert {(message.origin["topic"], message.origin["partition"]) for message, _ in buried} == {(topic, "1")}
    assert "SubmitExamFee" in buried[0][0].origin["headers"]


async def test_structured_mode_takes_effect_and_what_is_no_event_becomes_a_dead_letter(
    application: Application, kafka: Kafka
) -> None:
    harness = await ConsumerHarness().open()
    topic, structured = f"{kafka.topic_prefix}bursar.fees.commands.v1", b"application/cloudevents+json"
    head = b'{"specversion": "1.0", "id": "7", "source": "school-1", "type": "SubmitExamFee", "data": '
    records: list[tuple[bytes | None, list[tuple[str, bytes]]]] = [
        (head + a_command("T-1").body + b"}", [("content-type", structured)]),
        (head + a_command("T-2").body + b"}", [("content-type", structured)]),
        (b"[]", [("content-type", b"application/cloudevents-batch+json")]),
        (None, [("ce_type", b"SubmitExamFee")]),
        (a_command("T-2").body, [("ce_type", b"SubmitExamFee"), ("ce_id", b"7")]),
        (b"{}", []),
    ]
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for value, headers in records:
            await producer.send_and_wait(topic, value, key=b"key", partition=0, headers=headers)
    async with consuming(kafka, harness.consume):
        await eventually(lambda: len(harness.dead_letters) and len(harness.store.dead_letters) == 5)

    assert harness.submitted == ["T-1"]
    reasons = [letter.reason for letter, _ in harness.store.dead_letters.values()]
    assert reasons == ["IdReused", *["MalformedMessage"] * 4]


async def test_a_consumer_that_stops_lets_the_next_one_go_on_where_it_was(
    application: Application, kafka: Kafka
) -> None:
    first, second = list[Message](), list[Message]()

    async def to_first(messages: Sequence[Message]) -> None:
        first.extend(messages)

    async def to_second(messages: Sequence[Message]) -> None:
        second.extend(messages)

    await application.messaging.publisher().publish([a_message() for _ in range(10)])
    async with consuming(kafka, to_first):
        await eventually(lambda: len(first) == 10)
    await application.messaging.publisher().publish([a_message() for _ in range(10)])
    async with consuming(kafka, to_second):
        await eventually(lambda: len(second) == 10)

    assert len({message.id for message in first + second}) == 20


async def test_a_command_arrives_when_the_broker_got_it_whatever_its_sender_says(
    kafka: Kafka, application: Application
) -> None:
    heard = list[Message]()

    async def deliver(messages: Sequence[Message]) -> None:
        heard.extend(messages)

    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    topic = f"{kafka.topic_prefix}bursar.fees.commands.v1"
    await producer.send_and_wait(topic, b"{}", headers=[("ce_time", b"2019-01-01T00:00:00Z")], timestamp_ms=1_000)
    await producer.stop()
    async with consuming(kafka, deliver):
        await eventually(lambda: heard)

    assert heard[0].at.year >= 2026


async def test_a_consumer_waits_for_a_broker_and_stops_without_one() -> None:
    stop = asyncio.Event()

    async def deliver(_: Sequence[Message]) -> None:
        raise AssertionError("a consumer without messages must not be called")

    running = asyncio.create_task(
        KafkaTransport({"bootstrap_servers": "127.0.0.1:1"}, "", "bursar", ROUTES.consumed_contexts, deliver).run(stop)
    )
    await asyncio.sleep(0)
    stop.set()
    async with asyncio.timeout(10):
        await running


async def test_a_partition_that_waits_does_not_hold_up_the_others(application: Application, kafka: Kafka) -> None:
    heard, stuck = set[int](), asyncio.Event()

    async def deliver(messages: Sequence[Message]) -> None:
        if any(message.version == 1 for message in messages):
            stuck.set()
            raise Unavailable("a vendor is away", retry_after=60)
        heard.update(message.version for message in messages)

    messages = [a_message(version=version) for version in range(1, 41)]
    partition_of = {}
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    topic = f"{kafka.topic_prefix}bursar.fees.v1"
    for message in messages:
        headers = [("ce_sequence", str(message.version).encode()), ("ce_id", str(message.id).encode())]
        sent = await producer.send_and_wait(topic, b"{}", headers=headers, partition=message.version % 3)
        partition_of[message.version] = sent.partition
    await producer.stop()
    others = {version for version, partition in partition_of.items() if partition != partition_of[1]}
    async with consuming(kafka, deliver):
        await eventually(lambda: stuck.is_set() and heard >= others)


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
async def test_consumers_that_come_and_go_cause_no_second_effect(stored: Application, kafka: Kafka) -> None:
    """Two consumers with one inbox: a message that both receive takes effect once."""
    application = an_application(Settings(adapters=Adapters(events="kafka"), kafka=kafka))
    await application.messaging.topics()()
    effects = list[UUID]()

    async def deliver(messages: Sequence[Message]) -> None:
        async with stored.messaging.new_inbox() as inbox:
            new = await inbox.deduplicate(*messages)
            await inbox.commit()
        effects.extend(message.id for message in new)

    sent = [a_message() for _ in range(150)]
    async with consuming(kafka, deliver):
        for start in range(0, 150, 50):
            await application.messaging.publisher().publish(sent[start : start + 50])
            async with consuming(kafka, deliver):
                await eventually(lambda expected=start: len(effects) > expected)
        await eventually(lambda: len(effects) == 150, seconds=40)
    await application.messaging.publisher().close()

    assert sorted(effects) == sorted(message.id for message in sent)


async def send_once_taken(producer: AIOKafkaProducer, topic: str, body: bytes) -> None:
    """Send a command; a broker confirms a larger limit a moment before it applies it."""
    async with asyncio.timeout(20):
        while True:
            with suppress(MessageSizeTooLargeError):
                await producer.send_and_wait(topic, body, partition=1, headers=[("ce_type", b"SubmitExamFee")])
                return
            await asyncio.sleep(0.02)


async def test_a_record_larger_than_a_fetch_arrives_and_one_too_large_for_a_dead_letter_becomes_one(
    application: Application, kafka: Kafka
) -> None:
    harness = await ConsumerHarness().open()
    topic = f"{kafka.topic_prefix}bursar.fees.commands.v1"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await change_settings(admin, topic, {"max.message.bytes": "20000000"})
    await admin.close()
    padded = [a_command(f"T-{number}").body + b" " * 2_000_000 for number in (1, 2)]
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, max_request_size=20_000_000) as producer:
        for body in (padded[0], b" " * (MAX_BODY_BYTES + 1), padded[1]):
            await send_once_taken(producer, topic, body)
    async with consuming(kafka, harness.consume, max_partition_fetch_bytes=1_000, fetch_max_bytes=1_000):
        await eventually(lambda: len(harness.submitted) == 2)

    [letter] = harness.dead_letters.values()
    assert letter.startswith(f"MalformedMessage: the body has {MAX_BODY_BYTES + 1} bytes")


async def test_a_record_that_cannot_be_read_at_all_is_stepped_over(application: Application, kafka: Kafka) -> None:
    heard = list[Message]()

    async def deliver(messages: Sequence[Message]) -> None:
        heard.extend(messages)

    topic = f"{kafka.topic_prefix}bursar.fees.commands.v1"
    # Only the pure Python client can write invalid records.
    environment = {**os.environ, "AIOKAFKA_NO_EXTENSIONS": "1"}
    subprocess.run([sys.executable, "-c", UNREADABLE, kafka.bootstrap, topic], env=environment, check=True, timeout=30)
    async with consuming(kafka, deliver):
        await eventually(lambda: len(heard) == 3)

    assert [message.body for message in heard] == [b"1", b"", b"3"]
    assert (heard[1].type, heard[1].origin["offset"]) == ("", "1")


@pytest.mark.parametrize("context", ["fees.commands", "warehouse"])
async def test_topics_written_by_other_systems_get_our_settings(kafka: Kafka, context: str) -> None:
    topic = f"{kafka.topic_prefix}bursar.{context}.v1"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()

    settings = Settings(adapters=Adapters(events="kafka"), kafka=kafka)
    routes = Routes(table={(context, "GoodsReceived"): ignore_messages})
    await an_application(settings, routes).messaging.topics()()

    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer, asyncio.timeout(10):
        sent = await producer.send_and_wait(topic, b"{}", timestamp_ms=1_000)
        while sent.timestamp_type != LOG_APPEND_TIME:  # the settings reach the partition after a moment
            sent = await producer.send_and_wait(topic, b"{}", timestamp_ms=1_000)
    assert sent.timestamp > 1_000


async def settings_of(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    """Return what is set on a topic itself; a broker may not know it until a moment after its creation."""
    async with asyncio.timeout(10):
        while True:
            [described] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
            code, _, _, _, settings = described.resources[0]
            if not code:
                return {name: value for name, value, _, source, *_ in settings if source == SET_ON_TOPIC}


async def test_topics_keep_the_settings_that_are_not_ours(kafka: Kafka) -> None:
    ours, foreign = f"{kafka.topic_prefix}bursar.fees.commands.v1", f"{kafka.topic_prefix}bursar.canteen.v1"
    given = {"min.insync.replicas": "1", "max.message.bytes": "2000000", "cleanup.policy": "compact"}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1, topic_configs=given) for name in (ours, foreign)])
    ensure = Application(
        settings=Settings(adapters=Adapters(events="kafka"), kafka=kafka),
        routes=Routes(table={("fees.commands", "SubmitExamFee"): ignore_messages}),
    ).messaging.topics()

    [topic, letters, heads, heartbeat], [again, *_] = await ensure(), await ensure()

    owned = {"retention.ms", "segment.ms", "cleanup.policy", "message.timestamp.type"}
    found = await settings_of(admin, ours)
    assert found == given | topic.settings
    assert set(topic.settings) == set(topic.changed) == owned
    assert (topic.changed["cleanup.policy"], topic.partitions, topic.created) == ("compact", 2, False)
    assert (again.changed, again.settings, letters.created) == ({}, topic.settings, True)
    assert (heads.name, heads.settings["retention.ms"]) == (f"{kafka.topic_prefix}bursar.audit-heads.v1", "-1")
    assert (heartbeat.partitions, heartbeat.settings["retention.ms"]) == (kafka.partitions, "3600000")
    assert await settings_of(admin, foreign) == given
    await admin.close()


async def test_no_topic_we_consume_is_kept_longer_than_the_inbox_remembers(
    application: Application, kafka: Kafka
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    for context in ROUTES.consumed_contexts:
        settings = await settings_of(admin, f"{kafka.topic_prefix}bursar.{context}.v1")
        longest = timedelta(milliseconds=int(settings["retention.ms"]) + int(settings["segment.ms"]))
        assert longest < timedelta(days=Retention().inbox_days)
        assert int(settings["retention.ms"]) > 0
    await admin.close()
