"""Behaviour that requires a real RabbitMQ: acknowledgements, redelivery, two consumers, refusals, lost connections."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import msgspec
import pytest

from adapters.rabbitmq.topics import DeclaredDifferently
from config.container import Application
from config.sections.section import Secret
from config.sections.servers import RabbitMQ
from config.settings import Adapters, Settings
from core.kernel.errors import Unavailable
from core.kernel.health import Unfit
from core.messaging.message import Message, MessageBatchHandler
from core.messaging.routing import Routes
from entrypoints.messages.handlers import ignore_messages
from entrypoints.messages.rabbitmq import RabbitMQTransport
from tests.conftest import eventually
from tests.e2e import rabbitmq_topics
from tests.examples import a_message, ids
from tests.tcp_switch import tcp_switch
from tests.unit.messages.harness import ConsumerHarness, a_command

ROUTES = Routes(table={("fees", "FeeSubmitted"): ignore_messages, ("fees.commands", "SubmitExamFee"): ignore_messages})
"""Two topics: each queue costs a moment to declare."""


def an_application(rabbitmq: RabbitMQ, **changes: object) -> Application:
    settings = msgspec.structs.replace(rabbitmq, **changes)
    return Application(settings=Settings(adapters=Adapters(events="rabbitmq"), rabbitmq=settings), routes=ROUTES)


@pytest.fixture
async def application(rabbitmq: RabbitMQ) -> AsyncIterator[Application]:
    application = an_application(rabbitmq)
    await application.messaging.topics()()
    yield application
    await application.messaging.publisher().close()


@asynccontextmanager
async def consuming(application: Application, deliver: MessageBatchHandler) -> AsyncIterator[None]:
    server, stop = application.messaging.rabbitmq_server(), asyncio.Event()
    queues = application.messaging.rabbitmq_queues(ROUTES.consumed_contexts)
    running = asyncio.create_task(RabbitMQTransport(server.connect, server.nodes, queues, deliver).run(stop))
    yield
    stop.set()
    async with asyncio.timeout(10):
        await running


def keep(heard: list[Message]) -> MessageBatchHandler:
    async def deliver(messages: Sequence[Message]) -> None:
        heard.extend(messages)

    return deliver


async def waiting(application: Application, topic: str = "bursar.fees.v1") -> int:
    lag = await application.messaging.consumer_lag().by_topic()
    return lag[application.settings().rabbitmq.topic_prefix + topic]


async def publish(application: Application, messages: Sequence[Message]) -> None:
    assert list(await application.messaging.publisher().publish(messages)) == [None] * len(messages)


async def test_an_outage_acknowledges_nothing_and_the_messages_come_again_in_order(application: Application) -> None:
    outages, heard = 2, list[int]()

    async def deliver(messages: Sequence[Message]) -> None:
        nonlocal outages
        if outages:
            outages -= 1
            raise Unavailable("the database is away", retry_after=0.01)
        heard.extend(message.version for message in messages)

    subject = ids.new()
    for version in range(1, 6):
        await publish(application, [a_message(subject=subject, version=version)])
    async with consuming(application, deliver):
        await eventually(lambda: len(heard) == 5)

    assert heard == [1, 2, 3, 4, 5]
    assert await waiting(application) == 0


async def test_a_batch_without_effect_waits_for_the_next_consumer(application: Application) -> None:
    began, heard = asyncio.Event(), list[Message]()

    async def fail(_: Sequence[Message]) -> None:
        began.set()
        raise Unavailable("the database is away", retry_after=60)

    messages = [a_message() for _ in range(20)]
    await publish(application, messages)
    async with consuming(application, fail):
        await began.wait()
    assert await waiting(application) == 20
    async with consuming(application, keep(heard)):
        await eventually(lambda: len(heard) == 20)

    assert {each.id for each in heard} == {each.id for each in messages}


async def test_a_poisoned_message_is_buried_and_the_queue_goes_on(application: Application, rabbitmq: RabbitMQ) -> None:
    harness = await ConsumerHarness().open()
    for body in (a_command("T-1").body, *[b"{poison", b"{other poison"] * 2, a_command("T-2").body):
        await rabbitmq_topics.publish(rabbitmq, "fees.commands", "one", {"ce_type": "SubmitExamFee"}, body)
    async with consuming(application, harness.consume):
        await eventually(lambda: len(harness.submitted) == 2)

    buried = [(message.body, letter.reason) for letter, message in harness.store.dead_letters.values()]
    # without ids, equal messages are one message
    assert sorted(buried) == [(b"{other poison", "DecodeError"), (b"{poison", "DecodeError")]
    assert await waiting(application, "bursar.fees.commands.v1") == 0


@pytest.mark.parametrize("prefix", ["ce_", "cloudEvents:", "cloudEvents_"])
async def test_attributes_have_the_prefix_of_any_binding(
    application: Application, rabbitmq: RabbitMQ, prefix: str
) -> None:
    heard = list[Message]()
    attributes = {"id": "7", "source": "school-42", "type": "SubmitExamFee", "specversion": "1.0"}
    headers = {f"{prefix}{name}": text for name, text in attributes.items()}
    await rabbitmq_topics.publish(rabbitmq, "fees.commands", "one", headers, b"{}")
    async with consuming(application, keep(heard)):
        await eventually(lambda: heard)

    assert (heard[0].type, heard[0].malformed, heard[0].body) == ("SubmitExamFee", "", b"{}")


async def test_another_system_hears_every_event_at_the_exchange(application: Application, rabbitmq: RabbitMQ) -> None:
    await rabbitmq_topics.keep_events(rabbitmq, ["fees"])
    messages = [a_message() for _ in range(10)]
    await publish(application, messages)

    heard = set[str]()
    async with asyncio.timeout(10):
        async for headers, _ in rabbitmq_topics.events(rabbitmq, "fees"):
            heard.add(headers["cloudEvents:id"])
            if len(heard) == 10:
                break
    assert heard == {str(each.id) for each in messages}


async def test_one_consumer_has_a_queue_until_it_ends_and_then_the_next_goes_on(application: Application) -> None:
    first, second = list[Message](), list[Message]()
    async with AsyncExitStack() as ends_first:
        await ends_first.enter_async_context(consuming(application, keep(first)))
        await publish(application, [a_message() for _ in range(20)])
        await eventually(lambda: len(first) == 20)
        async with consuming(application, keep(second)):
            await publish(application, [a_message() for _ in range(20)])
            await eventually(lambda: len(first) == 40)
            assert not second
            await ends_first.aclose()
            await publish(application, [a_message() for _ in range(20)])
            await eventually(lambda: len(second) == 20)


async def until_consumed(application: Application) -> None:
    async with asyncio.timeout(10):
        while await waiting(application):
            pass


@pytest.mark.parametrize("kind", ["cut", "silent"])
async def test_a_lost_connection_loses_no_message(
    rabbitmq: RabbitMQ, application: Application, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The publisher and the consumer both lose their connections."""
    monkeypatch.setattr("adapters.rabbitmq.publisher.SEND_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr("adapters.rabbitmq.connection.HEARTBEAT_SECONDS", 1)
    host, port = rabbitmq.nodes.split(":")
    heard, before, after = list[Message](), [a_message() for _ in range(30)], [a_message() for _ in range(30)]
    async with tcp_switch((host, int(port))) as (switch, through):
        behind = an_application(rabbitmq, nodes=f"127.0.0.1:{through}")
        async with consuming(behind, keep(heard)):
            await until_published(behind, before)
            await eventually(lambda: len(heard) >= 30)
            if kind == "cut":
                await switch.close()
            else:
                switch.silence()
            await until_published(behind, after)
            await eventually(lambda: {each.id for each in heard} == {each.id for each in before + after})
            await until_consumed(application)
        await behind.messaging.publisher().close()


async def test_a_broker_short_of_memory_is_unavailable_and_loses_nothing(
    application: Application, rabbitmq_control: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.rabbitmq.publisher.SEND_TIMEOUT_SECONDS", 0.5)
    sent, heard = list[Message](), list[Message]()
    rabbitmq_control("set_vm_memory_high_watermark", "0.0001")
    try:
        with pytest.raises(Unavailable, match="takes no messages"):
            async with asyncio.timeout(10):
                while True:  # the broker looks at its memory from time to time
                    sent.append(a_message())
                    await publish(application, sent[-1:])
    finally:
        rabbitmq_control("set_vm_memory_high_watermark", "0.6")
    await until_published(application, sent[-1:])
    async with consuming(application, keep(heard)):
        await eventually(lambda: {each.id for each in heard} == {each.id for each in sent})


async def test_a_message_that_waits_too_long_is_kept_for_an_operator(rabbitmq: RabbitMQ) -> None:
    application = an_application(rabbitmq)
    await replace(application.messaging.topics(), messages_days=1e-6)()
    messages, heard = [a_message() for _ in range(5)], list[Message]()
    await publish(application, messages)
    async with asyncio.timeout(10):
        while await waiting(application, "bursar.undeliverable.v1") != 5:
            await asyncio.sleep(0.02)
    async with consuming(application, keep(heard)):
        assert await waiting(application) == 0
    await application.messaging.publisher().close()

    assert not heard


async def until_published(application: Application, messages: Sequence[Message]) -> None:
    """Publish as the relay does: again after `Unavailable`."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await publish(application, messages)
            except Unavailable:
                continue


async def test_a_broker_that_confirms_nothing_is_unavailable_within_the_time_limit(
    rabbitmq: RabbitMQ, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.rabbitmq.publisher.SEND_TIMEOUT_SECONDS", 0.5)
    host, port = rabbitmq.nodes.split(":")
    async with tcp_switch((host, int(port))) as (switch, through):
        behind = an_application(rabbitmq, nodes=f"127.0.0.1:{through}")
        await publish(behind, [a_message()])
        switch.silence()
        with pytest.raises(Unavailable, match="takes no messages"):
            async with asyncio.timeout(5):
                await behind.messaging.publisher().publish([a_message()])
        await publish(behind, [a_message()])  # over a new connection
        await behind.messaging.publisher().close()


async def test_a_server_that_hangs_up_before_the_handshake_is_unavailable(
    rabbitmq: RabbitMQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restarting broker behind a proxy does; the end of the stream is there before the client reads."""
    ended = asyncio.StreamReader()
    ended.feed_eof()

    async def connected(_url: object, **_: object) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        _, writer = await asyncio.open_connection(*rabbitmq.nodes.split(":"))
        return ended, writer

    monkeypatch.setattr("aiormq.connection.TCPTransportFactory.create", staticmethod(connected))
    messaging = an_application(rabbitmq).messaging
    for attempt in (messaging.publisher().publish([a_message()]), messaging.events_probe().check()):
        with pytest.raises(Unavailable, match="the server closed the connection"):
            await attempt


async def test_a_message_whose_consumers_are_lost_each_time_leaves_the_way_and_the_doctor_tells(
    rabbitmq: RabbitMQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.rabbitmq.topics.DELIVERY_LIMIT", 1)
    application = an_application(rabbitmq, partitions=1)
    await application.messaging.topics()()
    await publish(application, [a_message()])
    server, queue = application.messaging.rabbitmq_server(), f"{rabbitmq.topic_prefix}bursar.fees.v1.0"
    for _ in range(2):  # delivered, and the connection ends
        connection = await server.connect()
        taken = asyncio.Event()
        await (await connection.channel()).basic_consume(queue, lambda _, seen=taken: asyncio.sleep(0, seen.set()))
        async with asyncio.timeout(5):
            await taken.wait()
        await connection.close()
    await application.messaging.publisher().close()

    async with asyncio.timeout(10):
        while not await waiting(application, "bursar.undeliverable.v1"):
            await asyncio.sleep(0.02)
    [probe] = application.examinations.event_probes()
    with pytest.raises(Unfit, match=r"1 messages in .*undeliverable"):
        await probe.check()


async def test_topics_are_declared_once_and_another_declaration_is_named(rabbitmq: RabbitMQ) -> None:
    application = an_application(rabbitmq)
    first, again = await application.messaging.topics()(), await application.messaging.topics()()
    assert [each.created for each in first] == [True] * 3
    assert [each.created for each in again] == [False] * 3

    with pytest.raises(DeclaredDifferently, match=r"x-quorum-initial-group-size.*bursar.*delete it while it is empty"):
        await an_application(rabbitmq, replicas=3).messaging.topics()()


async def test_a_broker_without_the_plugin_is_told_with_what_to_do(
    rabbitmq: RabbitMQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.rabbitmq.topics.SPREADING", "x-of-an-absent-plugin")
    with pytest.raises(Unfit, match=r"unknown exchange type.*rabbitmq-plugins enable"):
        await an_application(rabbitmq).messaging.topics()()


@pytest.mark.parametrize(
    ("changes", "said", "remedy"),
    [
        ({"password": Secret("wrong")}, "does not let the user sign in", "correct rabbitmq.user"),
        ({"vhost": "elsewhere"}, "elsewhere", "correct rabbitmq"),
        ({"topic_prefix": "absent."}, "has no topic absent.bursar.fees", "bursar topics"),
        ({"nodes": "127.0.0.1:1"}, "does not answer", "start the broker"),
    ],
)
async def test_a_wrong_setting_is_told_with_what_to_do(
    rabbitmq: RabbitMQ, application: Application, changes: dict[str, object], said: str, remedy: str
) -> None:
    probe = an_application(rabbitmq, **changes).messaging.events_probe()
    with pytest.raises(Unavailable, match=said) as raised:
        await probe.check()

    assert remedy in getattr(raised.value, "remedy", probe.remedy)


@pytest.mark.parametrize(
    ("change", "said"), [(3, "missing queues: .*bursar.fees.v1.2"), (1, "no consumer reads .*bursar.fees.v1.1")]
)
async def test_the_doctor_names_queues_that_differ_from_the_settings(
    rabbitmq: RabbitMQ, application: Application, change: int, said: str
) -> None:
    [probe] = an_application(rabbitmq, partitions=change).examinations.event_probes()
    with pytest.raises(Unfit, match=said):
        await probe.check()
    [right] = application.examinations.event_probes()
    assert await right.check() == "5 queues as configured"


async def test_a_user_without_permission_is_named_and_the_events_stay(
    rabbitmq: RabbitMQ, application: Application, rabbitmq_control: Callable[..., None]
) -> None:
    user = f"reader-{rabbitmq.topic_prefix}"
    rabbitmq_control("add_user", user, "secret")
    rabbitmq_control("set_permissions", user, "", "", ".*")
    behind = an_application(rabbitmq, user=user, password=Secret("secret"))
    with pytest.raises(Unfit, match=f"refuses the user '{user}'") as raised:
        await behind.messaging.publisher().publish([a_message()])
    await behind.messaging.publisher().close()

    assert "set_permissions" in raised.value.remedy
    assert await waiting(application) == 0
