"""Relays as processes that are killed and stopped, on a real database and a real broker."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer
from sqlalchemy import text

from config.container import Application, running
from config.settings import Adapters, Kafka, MySQL, Settings
from core.shared.outbox import SHARDS
from entrypoints.relay.relay import BATCH
from tests.examples import a_submission

LEASE = 1.0
AGGREGATES, VERSIONS = 200, 20


@dataclass(slots=True)
class Office:
    """A fee office in this process, and relays of it in others."""

    application: Application
    mysql: MySQL
    kafka: Kafka
    folder: Path
    relays: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self, **changes: str) -> dict[str, str]:
        given = {
            "PROVISION": "false",
            "ADAPTERS__PERSISTENCE": "mysql",
            "ADAPTERS__EVENTS": "kafka",
            "MYSQL__HOST": self.mysql.host,
            "MYSQL__PORT": str(self.mysql.port),
            "MYSQL__DATABASE": self.mysql.database,
            "MYSQL__USER": self.mysql.user,
            "MYSQL__PASSWORD": self.mysql.password.reveal(),
            "KAFKA__BOOTSTRAP": self.kafka.bootstrap,
            "KAFKA__TOPIC_PREFIX": self.kafka.topic_prefix,
            "HTTP__PORT": "0",
        }
        return {f"BURSAR__{name}": value for name, value in (given | changes).items()}

    async def start_relays(self, number: int) -> None:
        """Start relays, and wait until they have shared the outbox among themselves."""
        words = [sys.executable, "-m", "tests.integration.relay_process", str(LEASE)]
        for _ in range(number):
            self.relays.append(subprocess.Popen(words, env={**os.environ, **self.environment()}))
        fair = -(-SHARDS // len(self.relays))
        await self.until_shared_by(len(self.relays), fair)

    async def until_shared_by(self, relays: int, at_most: int) -> None:
        async with asyncio.timeout(20):
            while True:
                held = (await self.application.driven.backlog().look()).relays
                if len(held) == relays and "" not in held and max(held.values()) <= at_most:
                    return
                await asyncio.sleep(0.02)

    async def commit_many(self) -> set[UUID]:
        """Commit twenty events of each of two hundred aggregates, and return the aggregates."""
        aggregates = [a_submission()[1] for _ in range(AGGREGATES)]
        for version in range(1, VERSIONS + 1):
            async with self.application.driven.new_work() as work:
                work.record(*(replace(event, version=version) for event in aggregates))
                await work.commit()
        return {event.subject for event in aggregates}

    async def published(self) -> int:
        return await self.count("publications")

    async def count(self, table: str) -> int:
        async with self.application.driven.database().reading() as connection:
            return (await connection.execute(text(f"SELECT COUNT(*) FROM {table}"))).scalar_one()

    async def until_count(self, table: str, enough: object, seconds: float = 30) -> None:
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
async def office(mysql: MySQL, kafka: Kafka, tmp_path: Path) -> AsyncIterator[Office]:
    settings = Settings(adapters=Adapters(persistence="mysql", events="kafka"), mysql=mysql, kafka=kafka)
    async with running(Application(settings=settings)) as application:
        await application.driven.migrate()
        await application.driven.topics()()
        office = Office(application, mysql, kafka, tmp_path)
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
    office: Office,
) -> None:
    await office.start_relays(3)
    aggregates = await office.commit_many()
    await office.until_count("publications", lambda count: count > 100)
    for dying in office.relays[:2]:
        dying.kill()
    began = time.monotonic()
    await office.until_shared_by(1, SHARDS)
    took = time.monotonic() - began
    await office.until_count("outbox", lambda count: count == 0)

    assert took <= 2 * LEASE
    assert in_order_of_first_sight(await office.topic()) == all_versions_of(aggregates)


async def test_a_relay_that_wakes_up_after_its_lease_repeats_no_more_than_what_it_had_in_hand(office: Office) -> None:
    await office.start_relays(2)
    aggregates = await office.commit_many()
    await office.until_count("publications", lambda count: count > 100)
    sleeping, _ = office.relays
    sleeping.send_signal(signal.SIGSTOP)
    await office.until_shared_by(1, SHARDS)
    await office.until_count("outbox", lambda count: count == 0)
    later = await office.commit_many()
    sleeping.send_signal(signal.SIGCONT)
    await office.until_count("outbox", lambda count: count == 0)
    await office.until_shared_by(2, SHARDS // 2)

    seen = await office.topic()
    assert in_order_of_first_sight(seen) == all_versions_of(aggregates | later)
    assert len(seen) - len(set(seen)) <= BATCH
