"""Relay processes that are killed and paused, on a real database and a real broker."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer
from prometheus_client import REGISTRY
from sqlalchemy import text

from config.container import Application, running
from config.sections.servers import Kafka, MySQL, RabbitMQ
from config.settings import Settings
from core.messaging.outbox import SHARD_COUNT
from entrypoints.relay.relay import MAX_EVENTS_PER_BATCH, Relay
from tests.applications import an_application
from tests.containers import free_port
from tests.databases import ENCRYPTION
from tests.e2e import rabbitmq_topics
from tests.e2e.workspace import Workspace, on_real_servers, until
from tests.examples import a_schedule, a_student, a_submission, enrol, publish
from tests.integration.brokers import address, elsewhere, with_broker
from tests.units_of_work import any_work

LEASE_SECONDS = 1.0
AGGREGATE_COUNT, VERSIONS = 200, 20
ON_BOTH_BROKERS = pytest.mark.parametrize("cluster", ["kafka", "rabbitmq"], indirect=True)


@dataclass(slots=True)
class RelayCluster:
    """An application in this process, and relays in other processes."""

    application: Application
    mysql: MySQL
    broker: Kafka | RabbitMQ
    folder: Path
    relays: list[subprocess.Popen[bytes]] = field(default_factory=list)

    async def start_relays(self, number: int) -> None:
        """Start relays, and wait until they have divided the outbox."""
        words = [sys.executable, "-m", "tests.integration.relay_process", str(LEASE_SECONDS)]
        for _ in range(number):
            self.relays.append(subprocess.Popen(words, env={**os.environ, **on_real_servers(self.mysql, self.broker)}))
        fair = -(-SHARD_COUNT // len(self.relays))
        await self.until_shared_by(len(self.relays), fair)

    async def until_shared_by(self, relays: int, at_most: int) -> None:
        async with asyncio.timeout(60):
            while True:
                held = (await self.application.messaging.backlog().snapshot()).relays
                if len(held) == relays and "" not in held and max(held.values()) <= at_most:
                    return
                await asyncio.sleep(0.02)

    async def commit_many(self) -> set[UUID]:
        """Commit twenty events of each of two hundred aggregates, and return the aggregates."""
        aggregates = [a_submission()[1] for _ in range(AGGREGATE_COUNT)]
        for version in range(1, VERSIONS + 1):
            async with any_work(self.application) as work:
                work.record(*(replace(event, version=version) for event in aggregates))
                await work.commit()
        return {event.subject for event in aggregates}

    async def count(self, table: str) -> int:
        async with self.application.storage.database().reading() as connection:
            return (await connection.execute(text(f"SELECT COUNT(*) FROM {table}"))).scalar_one()

    async def run(self, *statements: str) -> None:
        async with self.application.storage.database().autocommit() as connection:
            for statement in statements:
                await connection.execute(text(statement))

    async def statements(self, user: str) -> int:
        """Return the number of statements of a user, without pings, and preparations, which a connection makes once."""
        query = """SELECT SUM(COUNT_STAR) FROM performance_schema.events_statements_summary_by_user_by_event_name
            WHERE USER = :user AND EVENT_NAME NOT IN ('statement/com/Ping', 'statement/com/Prepare')"""
        async with self.application.storage.database().reading() as connection:
            return int((await connection.execute(text(query), {"user": user})).scalar_one())

    async def until_count(self, table: str, enough: object, seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not enough(await self.count(table)):
                await asyncio.sleep(0.01)

    async def topic(self) -> list[tuple[UUID, int]]:
        """Return the records of the topic, those of a partition in order: aggregates and versions."""
        found = on_kafka(self.broker) if isinstance(self.broker, Kafka) else on_rabbitmq(self.broker)
        return [(UUID(subject), int(version)) for subject, version in await found]


async def on_kafka(kafka: Kafka) -> list[tuple[str, str]]:
    """Return subject and sequence of the records of all partitions."""
    name = f"{kafka.topic_prefix}bursar.fees.v1"
    consumer = AIOKafkaConsumer(name, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    found: list[tuple[str, str]] = []
    ends = await consumer.end_offsets(consumer.assignment())
    while any([await consumer.position(partition) < end for partition, end in ends.items()]):
        for records in (await consumer.getmany(timeout_ms=200)).values():
            headers = [dict(record.headers) for record in records]
            found += [(each["ce_subject"].decode(), each["ce_sequence"].decode()) for each in headers]
    await consumer.stop()
    return found


async def on_rabbitmq(rabbitmq: RabbitMQ) -> list[tuple[str, str]]:
    """Return subject and sequence of the messages of the exchange, until one of its own."""
    await rabbitmq_topics.publish(rabbitmq, "fees", "end", {}, b"end")
    found: list[tuple[str, str]] = []
    async with aclosing(rabbitmq_topics.events(rabbitmq, "fees")) as events:
        async for headers, body in events:
            if body == b"end":
                break
            found.append((headers["cloudEvents:subject"], headers["cloudEvents:sequence"]))
    return found


@pytest.fixture
async def cluster(request: pytest.FixtureRequest, migrated_mysql: MySQL, tmp_path: Path) -> AsyncIterator[RelayCluster]:
    """Start with Kafka, unless the test names another broker."""
    broker: Kafka | RabbitMQ = request.getfixturevalue(getattr(request, "param", "kafka"))
    settings = with_broker(Settings(mysql=migrated_mysql, encryption=ENCRYPTION), broker)
    async with running(an_application(settings)) as application:
        await application.messaging.topics()()
        if isinstance(broker, RabbitMQ):
            await rabbitmq_topics.keep_events(broker, ["fees"])
        cluster = RelayCluster(application, migrated_mysql, broker, tmp_path)
        yield cluster
        for relay in cluster.relays:
            relay.send_signal(signal.SIGCONT)
            relay.kill()
            relay.wait()


def in_order_of_first_sight(seen: list[tuple[UUID, int]]) -> dict[UUID, list[int]]:
    """Return the versions of each aggregate after deduplication by an inbox."""
    first = defaultdict[UUID, list[int]](list)
    for aggregate, version in dict.fromkeys(seen):
        first[aggregate].append(version)
    return first


def all_versions_of(aggregates: set[UUID]) -> dict[UUID, list[int]]:
    return {aggregate: list(range(1, VERSIONS + 1)) for aggregate in aggregates}


@pytest.mark.alone
@ON_BOTH_BROKERS
async def test_the_work_of_killed_relays_is_taken_over_within_two_leases_and_nothing_is_lost_or_overtaken(
    cluster: RelayCluster,
) -> None:
    await cluster.start_relays(3)
    aggregates = await cluster.commit_many()
    await cluster.until_count("publications", lambda count: count > 100)
    for dying in cluster.relays[:2]:
        dying.kill()
    began = time.monotonic()
    await cluster.until_shared_by(1, SHARD_COUNT)
    took = time.monotonic() - began
    await cluster.until_count("outbox", lambda count: count == 0)

    assert took <= 2 * LEASE_SECONDS
    assert in_order_of_first_sight(await cluster.topic()) == all_versions_of(aggregates)


async def test_a_relay_resumed_after_its_lease_repeats_at_most_its_in_flight_events(cluster: RelayCluster) -> None:
    await cluster.start_relays(2)
    aggregates = await cluster.commit_many()
    await cluster.until_count("publications", lambda count: count > 100)
    sleeping, _ = cluster.relays
    sleeping.send_signal(signal.SIGSTOP)
    await cluster.until_shared_by(1, SHARD_COUNT)
    await cluster.until_count("outbox", lambda count: count == 0)
    later = await cluster.commit_many()
    sleeping.send_signal(signal.SIGCONT)
    await cluster.until_count("outbox", lambda count: count == 0)
    await cluster.until_shared_by(2, SHARD_COUNT // 2)

    seen = await cluster.topic()
    assert in_order_of_first_sight(seen) == all_versions_of(aggregates | later)
    assert len(seen) - len(set(seen)) <= MAX_EVENTS_PER_BATCH


@ON_BOTH_BROKERS
async def test_while_the_broker_is_away_everything_waits_and_on_its_return_it_leaves_by_itself(
    cluster: RelayCluster,
) -> None:
    port = free_port()
    environment = on_real_servers(cluster.mysql, elsewhere(cluster.broker, port), SERVE="http,relay")
    await publish(cluster.application, a_schedule())
    await enrol(cluster.application, a_student(1))
    await cluster.commit_many()
    Workspace(cluster.folder, None, environment).run("keys", "create")
    with Workspace(cluster.folder, None, environment).serve() as served, served.client() as client:
        until(lambda: served.log.read_text().count("relay_backing_off") > 2)
        before = resident_mib(served.process.pid)
        body = {"schedule": "sahyadri-test", "registration": "T-1"}
        answer = client.post("/v1/exam-fees", json=body, headers={"Idempotency-Key": "k"})
        until(lambda: served.log.read_text().count("relay_backing_off") > 6)
        grown = resident_mib(served.process.pid) - before
        waiting, marked = await cluster.count("outbox"), await cluster.count("publications")
        async with returned(port, address(cluster.broker)):
            await cluster.until_count("outbox", lambda count: count == 0)

    assert answer.status_code == 201
    assert (waiting, marked) == (AGGREGATE_COUNT * VERSIONS + 1, 0)
    assert grown < 20
    assert served.process.returncode == 0


async def test_an_event_that_is_too_large_holds_up_its_own_aggregate_and_shows_in_the_outbox(
    cluster: RelayCluster,
) -> None:
    (_, event), (_, other) = a_submission(), a_submission()
    process, messaging = cluster.application.process, cluster.application.messaging
    async with any_work(cluster.application) as work:
        work.record(replace(event, schedule_title="x" * 2_000_000), replace(event, version=2), other)
        await work.commit()
    refused = REGISTRY.get_sample_value("bursar_events_refused_total") or 0
    await messaging.outbox().renew(60)
    await Relay(messaging.outbox(), messaging.publisher(), process.signals(), process.clock()).relay()
    workspace = Workspace(cluster.folder, None, on_real_servers(cluster.mysql, cluster.broker))
    shown = workspace.json("outbox")

    assert await cluster.topic() == [(other.subject, 1)]
    assert shown["waiting"] == 2
    assert [(each["aggregate"], each["attempts"]) for each in shown["blocked"]] == [(str(event.subject), 1)]
    assert "MessageSizeTooLarge" in shown["blocked"][0]["reason"]
    assert REGISTRY.get_sample_value("bursar_events_refused_total") == refused + 1


async def test_an_idle_process_sends_few_database_statements(cluster: RelayCluster) -> None:
    user = f"idle_{cluster.mysql.database[-8:]}"
    await cluster.run(
        f"CREATE USER {user} IDENTIFIED BY '{user}'", f"GRANT ALL ON {cluster.mysql.database}.* TO {user}"
    )
    own = {"MYSQL__USER": user, "MYSQL__PASSWORD": user, "SERVE": "http,consumer,relay,dispatcher,scheduler"}
    workspace = Workspace(cluster.folder, None, on_real_servers(cluster.mysql, cluster.broker, **own))
    workspace.run("keys", "create")
    with workspace.serve():
        await cluster.until_shared_by(1, SHARD_COUNT)
        await asyncio.sleep(3)  # the dispatcher polls at growing intervals
        before, began = await cluster.statements(user), time.monotonic()
        await asyncio.sleep(4)
        asked, took = await cluster.statements(user) - before, time.monotonic() - began
    await cluster.run(f"DROP USER {user}")

    assert asked / took <= 5


def resident_mib(process: int) -> float:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{process}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024


@asynccontextmanager
async def returned(port: int, broker: tuple[str, int]) -> AsyncIterator[None]:
    """Start the broker on another port."""

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()
        target.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_broker, to_broker = await asyncio.open_connection(*broker)
        await asyncio.gather(pump(reader, to_broker), pump(from_broker, writer))

    async with await asyncio.start_server(connect, "127.0.0.1", port):
        yield
