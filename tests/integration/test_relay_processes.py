"""Relays as processes that are killed and stopped, on a real database and a real broker."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer
from prometheus_client import REGISTRY
from sqlalchemy import text

from config.container import Application, running
from config.settings import Adapters, Kafka, MySQL, Settings
from core.messaging.outbox import SHARD_COUNT
from entrypoints.messages.routes import contexts
from entrypoints.relay.relay import MAX_EVENTS_PER_BATCH, Relay
from tests.containers import free_port
from tests.e2e.workspace import Place, on_real_servers, until
from tests.examples import a_schedule, a_student, a_submission, enrol, publish

LEASE_SECONDS = 1.0
AGGREGATE_COUNT, VERSIONS = 200, 20


@dataclass(slots=True)
class RelayCluster:
    """A fee office in this process, and relays of it in others."""

    application: Application
    mysql: MySQL
    kafka: Kafka
    folder: Path
    relays: list[subprocess.Popen[bytes]] = field(default_factory=list)

    async def start_relays(self, number: int) -> None:
        """Start relays, and wait until they have shared the outbox among themselves."""
        words = [sys.executable, "-m", "tests.integration.relay_process", str(LEASE_SECONDS)]
        for _ in range(number):
            self.relays.append(subprocess.Popen(words, env={**os.environ, **on_real_servers(self.mysql, self.kafka)}))
        fair = -(-SHARD_COUNT // len(self.relays))
        await self.until_shared_by(len(self.relays), fair)

    async def until_shared_by(self, relays: int, at_most: int) -> None:
        async with asyncio.timeout(60):
            while True:
                held = (await self.application.driven.backlog().look()).relays
                if len(held) == relays and "" not in held and max(held.values()) <= at_most:
                    return
                await asyncio.sleep(0.02)

    async def commit_many(self) -> set[UUID]:
        """Commit twenty events of each of two hundred aggregates, and return the aggregates."""
        aggregates = [a_submission()[1] for _ in range(AGGREGATE_COUNT)]
        for version in range(1, VERSIONS + 1):
            async with self.application.driven.new_work() as work:
                work.record(*(replace(event, version=version) for event in aggregates))
                await work.commit()
        return {event.subject for event in aggregates}

    async def count(self, table: str) -> int:
        async with self.application.driven.database().reading() as connection:
            return (await connection.execute(text(f"SELECT COUNT(*) FROM {table}"))).scalar_one()

    async def run(self, *statements: str) -> None:
        async with self.application.driven.database().autocommit() as connection:
            for statement in statements:
                await connection.execute(text(statement))

    async def statements(self, user: str) -> int:
        """Return how many statements a user has had executed; a ping is none."""
        query = """SELECT SUM(COUNT_STAR) FROM performance_schema.events_statements_summary_by_user_by_event_name
            WHERE USER = :user AND EVENT_NAME <> 'statement/com/Ping'"""
        async with self.application.driven.database().reading() as connection:
            return int((await connection.execute(text(query), {"user": user})).scalar_one())

    async def until_count(self, table: str, enough: object, seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not enough(await self.count(table)):
                await asyncio.sleep(0.01)

    async def topic(self) -> list[tuple[UUID, int]]:
        """Return what is in the topic, partition by partition: aggregates and versions."""
        name = f"{self.kafka.topic_prefix}bursar.fees.v1"
        consumer = AIOKafkaConsumer(name, bootstrap_servers=self.kafka.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        found: list[tuple[UUID, int]] = []
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                headers = [dict(record.headers) for record in records]
                found += [(UUID(each["ce_subject"].decode()), int(each["ce_sequence"])) for each in headers]
        await consumer.stop()
        return found


@pytest.fixture
async def office(mysql: MySQL, kafka: Kafka, tmp_path: Path) -> AsyncIterator[RelayCluster]:
    settings = Settings(adapters=Adapters(persistence="mysql", events="kafka"), mysql=mysql, kafka=kafka)
    async with running(Application(settings=settings, contexts=contexts())) as application:
        await application.driven.migrate()
        await application.driven.topics()()
        office = RelayCluster(application, mysql, kafka, tmp_path)
        yield office
        for relay in office.relays:
            relay.send_signal(signal.SIGCONT)
            relay.kill()
            relay.wait()


def in_order_of_first_sight(seen: list[tuple[UUID, int]]) -> dict[UUID, list[int]]:
    """Return the versions of each aggregate as whoever has an inbox sees them."""
    first = defaultdict[UUID, list[int]](list)
    for aggregate, version in dict.fromkeys(seen):
        first[aggregate].append(version)
    return first


def all_versions_of(aggregates: set[UUID]) -> dict[UUID, list[int]]:
    return {aggregate: list(range(1, VERSIONS + 1)) for aggregate in aggregates}


async def test_the_work_of_killed_relays_is_taken_over_within_two_leases_and_nothing_is_lost_or_overtaken(
    office: RelayCluster,
) -> None:
    await office.start_relays(3)
    aggregates = await office.commit_many()
    await office.until_count("publications", lambda count: count > 100)
    for dying in office.relays[:2]:
        dying.kill()
    began = time.monotonic()
    await office.until_shared_by(1, SHARD_COUNT)
    took = time.monotonic() - began
    await office.until_count("outbox", lambda count: count == 0)

    assert took <= 2 * LEASE_SECONDS
    assert in_order_of_first_sight(await office.topic()) == all_versions_of(aggregates)


async def test_a_relay_resumed_after_its_lease_repeats_at_most_its_in_flight_events(office: RelayCluster) -> None:
    await office.start_relays(2)
    aggregates = await office.commit_many()
    await office.until_count("publications", lambda count: count > 100)
    sleeping, _ = office.relays
    sleeping.send_signal(signal.SIGSTOP)
    await office.until_shared_by(1, SHARD_COUNT)
    await office.until_count("outbox", lambda count: count == 0)
    later = await office.commit_many()
    sleeping.send_signal(signal.SIGCONT)
    await office.until_count("outbox", lambda count: count == 0)
    await office.until_shared_by(2, SHARD_COUNT // 2)

    seen = await office.topic()
    assert in_order_of_first_sight(seen) == all_versions_of(aggregates | later)
    assert len(seen) - len(set(seen)) <= MAX_EVENTS_PER_BATCH


async def test_while_the_broker_is_away_everything_waits_and_on_its_return_it_leaves_by_itself(
    office: RelayCluster,
) -> None:
    port = free_port()
    environment = on_real_servers(office.mysql, office.kafka, KAFKA__BOOTSTRAP=f"127.0.0.1:{port}", SERVE="http,relay")
    await publish(office.application, a_schedule())
    await enrol(office.application, a_student(1))
    await office.commit_many()
    with Place(office.folder, None, environment).serve() as served, served.client() as client:
        until(lambda: served.log.read_text().count("relay_backing_off") > 2)
        before = resident_mib(served.process.pid)
        body = {"schedule": "sahyadri-test", "registration": "T-1"}
        answer = client.post("/v1/exam-fees", json=body, headers={"Idempotency-Key": "k"})
        until(lambda: served.log.read_text().count("relay_backing_off") > 6)
        grown = resident_mib(served.process.pid) - before
        waiting, marked = await office.count("outbox"), await office.count("publications")
        async with returned(port, office.kafka.bootstrap):
            await office.until_count("outbox", lambda count: count == 0)

    assert answer.status_code == 201
    assert (waiting, marked) == (AGGREGATE_COUNT * VERSIONS + 1, 0)
    assert grown < 20
    assert served.process.returncode == 0


async def test_an_event_that_is_too_large_holds_up_its_own_aggregate_and_shows_in_the_outbox(
    office: RelayCluster,
) -> None:
    driven, (_, event), (_, other) = office.application.driven, a_submission(), a_submission()
    async with driven.new_work() as work:
        work.record(replace(event, schedule_title="x" * 2_000_000), replace(event, version=2), other)
        await work.commit()
    refused = REGISTRY.get_sample_value("bursar_events_refused_total") or 0
    await driven.outbox().hold(60)
    await Relay(driven.outbox(), driven.publisher(), driven.signals(), driven.clock()).relay()
    place = Place(office.folder, None, on_real_servers(office.mysql, office.kafka))
    shown = place.json("outbox")

    assert await office.topic() == [(other.subject, 1)]
    assert shown["waiting"] == 2
    assert [(each["aggregate"], each["attempts"]) for each in shown["blocked"]] == [(str(event.subject), 1)]
    assert "MessageSizeTooLarge" in shown["blocked"][0]["reason"]
    assert REGISTRY.get_sample_value("bursar_events_refused_total") == refused + 1


async def test_an_idle_process_sends_few_database_statements(office: RelayCluster) -> None:
    user = f"idle_{office.mysql.database[-8:]}"
    await office.run(f"CREATE USER {user} IDENTIFIED BY '{user}'", f"GRANT ALL ON {office.mysql.database}.* TO {user}")
    own = {"MYSQL__USER": user, "MYSQL__PASSWORD": user, "SERVE": "http,consumer,relay,dispatcher,scheduler"}
    with Place(office.folder, None, on_real_servers(office.mysql, office.kafka, **own)).serve():
        await office.until_shared_by(1, SHARD_COUNT)
        await asyncio.sleep(3)  # the dispatcher looks ever more rarely
        before, began = await office.statements(user), time.monotonic()
        await asyncio.sleep(4)
        asked, took = await office.statements(user) - before, time.monotonic() - began
    await office.run(f"DROP USER {user}")

    assert asked / took <= 5


def resident_mib(process: int) -> float:
    """Return how much memory a process has."""
    return int(Path(f"/proc/{process}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024


@asynccontextmanager
async def returned(port: int, bootstrap: str) -> AsyncIterator[None]:
    """Let the broker be found at another port."""
    host, _, number = bootstrap.rpartition(":")

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()
        target.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_broker, to_broker = await asyncio.open_connection(host, int(number))
        await asyncio.gather(pump(reader, to_broker), pump(from_broker, writer))

    async with await asyncio.start_server(connect, "127.0.0.1", port):
        yield
