"""Backups are consistent while the office serves, and a restored office loses and repeats nothing."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from testcontainers.community.mysql import MySqlContainer

from adapters.sql.engine.sqlite_backup import BackupExists
from adapters.sql.schema import metadata
from adapters.system.clock import SystemClock
from config.container import Application, running
from config.sections.section import Secret
from config.sections.servers import Kafka, MySQL, SQLite
from config.settings import Adapters, Settings
from core.identity.account import NewAccount
from core.identity.roles import Role
from core.messaging.message import topic_of
from core.notifications.delivery import Channel, DeliveryState
from entrypoints.routes import ROUTES
from entrypoints.runtime.configured_runtime import ConfiguredRuntime
from tests import containers as stack
from tests.contract.test_deliveries import a_delivery, add
from tests.databases import root_of
from tests.examples import a_student, enrol
from tests.units_of_work import any_work

SCRIPTS = Path(__file__).parents[2] / "deploy/backup"
COMMANDS = "fees.commands"


@pytest.mark.parametrize("stored_settings", ["sqlite"], indirect=True)
async def test_a_file_is_copied_while_it_is_written(stored: Application, tmp_path: Path) -> None:
    runtime, stop, written = ConfiguredRuntime(stored, stored.settings()), asyncio.Event(), 0

    async def write() -> None:
        nonlocal written
        while not stop.is_set():
            await enrol(stored, a_student(written + 1))
            written += 1

    writing = asyncio.create_task(write())
    while written < 5:
        await asyncio.sleep(0)
    before = written
    size = await runtime.back_up(tmp_path / "copy.db")
    after = written
    while written < after + 5:  # the copy has held no writer up
        await asyncio.sleep(0)
    stop.set()
    await writing

    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        [count] = copy.execute("SELECT COUNT(*) FROM students").fetchone()
    assert before <= count <= after + 1
    assert (tmp_path / "copy.db").stat().st_size == size
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.glob("copy.db*")] == ["copy.db"]
    with pytest.raises(BackupExists):
        await runtime.back_up(tmp_path / "copy.db")
    restored = msgspec.structs.replace(stored.settings(), sqlite=SQLite(path=str(tmp_path / "copy.db")))
    async with running(Application(settings=restored, routes=ROUTES)) as application:
        assert await application.storage.persistence_probe().check()


class Drill:
    """The scripts of deploy/backup, on one server and its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, script: str, server: MySQL, *words: str) -> str:
        """Run one script against a server, and return what it printed."""
        environment = {
            **os.environ,
            "MYSQL_HOST": "127.0.0.1",
            "MYSQL_TCP_PORT": str(server.port),
            "MYSQL_USER": server.user,
            "MYSQL_PWD": server.password.reveal(),
            "MYSQL_DATABASE": server.database,
            "BURSAR_MYSQL_TOOLS_IMAGE": stack.MYSQL,
        }
        command = ["bash", str(SCRIPTS / script), str(self.folder), *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def second(mysql: MySQL, request: pytest.FixtureRequest) -> Iterator[MySQL]:
    """Start another server, which is empty."""
    if stack.no_docker() or os.environ.get("BURSAR_TEST_MYSQL_URL"):
        pytest.skip("mysql: the drill needs a second server, and starts it as a container")
    with MySqlContainer(stack.MYSQL, dialect="asyncmy", root_password="root") as container:
        port = int(container.get_exposed_port(3306))
        yield MySQL(host="127.0.0.1", port=port, user="root", password=Secret("root"), database=mysql.database)


async def office_at_work(application: Application, names: range) -> None:
    """Store what every part of the office leaves: accounts with audit records, students, deliveries, seals."""
    for number in names:
        await application.use_cases().identity.create_account(NewAccount(roles=(Role.AUDITOR,), name=f"A {number}"))
        await enrol(application, a_student(number))
    await add(application, *(a_delivery(channel) for channel in Channel))
    await application.use_cases().audit.seal_audit_records()


async def checksums(server: MySQL) -> dict[str, Any]:
    """Return what identifies the rows of each table."""
    async with root_of(server) as run:
        names = ", ".join(f"{server.database}.{name}" for name in sorted(metadata.tables))
        return dict(await run(f"CHECKSUM TABLE {names}"))


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
async def test_a_database_is_restored_without_loss_and_to_a_moment(
    stored: Application, second: MySQL, tmp_path: Path
) -> None:
    settings: Settings = stored.settings()
    source, drill = settings.mysql, Drill(tmp_path / "backup")
    target = msgspec.structs.replace(second, database=source.database)
    there = msgspec.structs.replace(settings, mysql=target)
    await office_at_work(stored, range(3))
    [claimed] = await claim_one(stored)
    drill.run("backup", source)
    await office_at_work(stored, range(3, 6))
    moment = await next_second()
    at_moment = await counts(source)
    await next_second()
    await office_at_work(stored, range(6, 9))
    drill.run("backup-log", source)

    began = time.monotonic()
    drill.run("restore", target)
    took = time.monotonic() - began
    assert await checksums(target) == await checksums(source)
    assert took < 120

    async with running(Application(settings=there, routes=ROUTES)) as restored:
        verified = await restored.use_cases().audit.verify_audit_chain(lambda _done, _total: None)
        assert (verified.faults, verified.records >= 9) == (0, True)
        assert await restored.storage.persistence_probe().check()

    async with root_of(target) as run:
        await run(f"DROP DATABASE {target.database}")
    drill.run("restore", target, f"{moment:%Y-%m-%dT%H:%M:%S}")
    assert await counts(target) == at_moment != await counts(source)

    async with running(Application(settings=there, routes=ROUTES)) as restored:
        assert (await restored.use_cases().audit.verify_audit_chain(lambda _done, _total: None)).faults == 0
        done = await ConfiguredRuntime(restored, restored.settings()).after_restore(moment)
        assert done.deliveries_in_doubt == 3
        assert await states(restored) == {DeliveryState.UNKNOWN: 3, DeliveryState.SENDING: 1}
        async with any_work(restored) as work:
            assert await work.deliveries.claim(Channel.EMAIL, SystemClock().now(), SystemClock().now(), 10) == []
        await restored.use_cases().notifications.expire_claims()
        assert await states(restored) == {DeliveryState.UNKNOWN: 4}
    assert claimed.state is DeliveryState.SENDING


async def claim_one(application: Application) -> list[Any]:
    """Let a dispatcher claim one delivery, and die."""
    now = SystemClock().now()
    async with any_work(application) as work:
        claimed = list(await work.deliveries.claim(Channel.EMAIL, now, now, 1))
        await work.commit()
    return claimed


async def next_second() -> datetime:
    """Return the next whole second, once it has come: the binary log counts in seconds."""
    now = datetime.now(UTC)
    moment = now.replace(microsecond=0) + timedelta(seconds=1)
    while datetime.now(UTC) < moment:
        await asyncio.sleep(0.01)
    return moment


async def counts(server: MySQL) -> dict[str, int]:
    """Return the number of rows of each table."""
    async with root_of(server) as run:
        names = sorted(metadata.tables)
        return {name: (await run(f"SELECT COUNT(*) FROM {server.database}.{name}"))[0][0] for name in names}


async def states(application: Application) -> dict[DeliveryState, int]:
    """Return the deliveries by state."""
    counts = "SELECT state, COUNT(*) FROM deliveries WHERE state <> 'sent' GROUP BY state"
    async with application.storage.database().reading() as connection:
        return {DeliveryState(state): count for state, count in await connection.exec_driver_sql(counts)}


@pytest.fixture
async def office(kafka: Kafka, tmp_path: Path) -> AsyncIterator[Application]:
    """Open an office on Kafka with its topics."""
    settings = Settings(
        adapters=Adapters(persistence="sqlite", events="kafka"),
        sqlite=SQLite(path=str(tmp_path / "bursar.db")),
        kafka=kafka,
    )
    async with running(Application(settings=settings, routes=ROUTES)) as application:
        await application.storage.migrate()
        await application.messaging.topics()()
        yield application


async def test_commands_of_after_the_moment_are_read_again_and_own_events_are_not(
    office: Application, kafka: Kafka
) -> None:
    commands, events = (kafka.topic_prefix + topic_of(context) for context in (COMMANDS, "fees"))
    places = {topic: TopicPartition(topic, 0) for topic in (commands, events)}
    hour = int(timedelta(hours=1).total_seconds() * 1_000)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for topic in places:
            for _ in range(5):
                await producer.send_and_wait(topic, b"{}", partition=0)
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, group_id=kafka.group, enable_auto_commit=False
    ) as consumer:
        consumer.assign(list(places.values()))
        await consumer.commit(dict.fromkeys(places.values(), OffsetAndMetadata(5, "")))

    runtime, now = ConfiguredRuntime(office, office.settings()), office.process.clock().now()
    later = await runtime.after_restore(now + timedelta(milliseconds=hour))
    done = await runtime.after_restore(now)
    again = await runtime.after_restore(now)

    assert (later.rewound, done.rewound, again.rewound) == ({}, {f"{commands}/0": 5}, {})
    async with AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=kafka.group) as consumer:
        consumer.assign(list(places.values()))
        assert [await consumer.committed(place) for place in places.values()] == [0, 5]
