"""Fixtures of all tests: real servers, and applications on each kind of persistence."""

import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import structlog

from config.container import Application, running
from config.container.storage import Storage
from config.sections.identity import Identity
from config.sections.section import Secret
from config.sections.servers import Kafka, MySQL, RabbitMQ, Redis, SQLite
from config.settings import Adapters, Settings
from core.kernel.authorization import SYSTEM, current_principal
from tests import containers as stack
from tests import databases
from tests.applications import an_application, begin_test
from tests.databases import ENCRYPTION, DatabasePool

os.environ.setdefault("BURSAR__ENCRYPTION__KEYS", ENCRYPTION.keys.reveal())
os.environ.setdefault("BURSAR__IDENTITY__SECRET", "the secret of an installation under test")
"""Commands that tests start on MySQL need both."""
CONTAINERS = {
    "mysql": stack.mysql,
    "mysql_pair": stack.mysql_pair,
    "kafka": stack.kafka,
    "rabbitmq": stack.rabbitmq,
    "redis": stack.redis,
    "keycloak": stack.keycloak,
    "etcd": stack.etcd,
    "otel": stack.collector,
    "victorialogs": stack.victorialogs,
}


def pytest_runtest_setup() -> None:
    begin_test()


LOG_LINE = re.compile(r"^(?:[\d-]* ?\d\d:\d\d:\d\d \[\w+ *\].*|\{.*\"log.level\":.*\})$", re.MULTILINE)
PERSONAL = re.compile(r"asha\.\d+@|\+9198\d{8}|\bAsha \d")
"""What `an_enrolment` of tests/examples.py has, and no log line may have."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Fail a test during which a person of the examples got into the log."""
    report = yield
    written = (
        "\n".join(text for name, text in report.sections if "std" in name)
        if report.when == "call" and report.passed
        else ""
    )
    if leaked := [line for line in LOG_LINE.findall(written) if PERSONAL.search(line)]:
        report.outcome, report.longrepr = "failed", f"personal data in the log: {leaked[0]}"
    return report


@pytest.fixture(autouse=True)
def log() -> Iterator[None]:
    """Take back what a test configured: it may write to the captured standard error of that test, which is closed."""
    before, handlers = structlog.get_config(), list(logging.root.handlers)
    yield
    structlog.configure(**before)
    logging.root.handlers[:] = handlers


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[Callable[[str], object]]:
    """Start each kind of server at its first use."""
    started: dict[str, tuple[AbstractContextManager[object], object]] = {}

    def start(name: str) -> object:
        if name not in started:
            scope = CONTAINERS[name]()
            started[name] = scope, scope.__enter__()
        return started[name][1]

    yield start
    for scope, _ in started.values():
        scope.__exit__(None, None, None)


@pytest.fixture
def server(request: pytest.FixtureRequest, servers: Callable[[str], object]) -> Callable[[str], object]:
    """Return a running server by name; skip the test with a reason if there is none."""

    def running_server(name: str) -> object:
        if name not in stack.named() and (reason := stack.no_docker()):
            if request.config.getoption("--require-stack"):
                pytest.fail(f"{name} is required, but {reason}")
            pytest.skip(f"{name}: {reason}")
        return servers(name)

    return running_server


@pytest.fixture
async def mysql(server: Callable[[str], object]) -> AsyncIterator[MySQL]:
    """Create a database on a real MySQL for one test."""
    root = server("mysql")
    assert isinstance(root, stack.MySqlServer)
    name = f"test_{uuid4().hex}"
    settings = MySQL(
        host=root.host, port=root.port, user=root.user, password=Secret(root.password), database=name, connections=4
    )
    async with databases.root_of(settings) as run:
        await run(f"CREATE DATABASE {name}")
        yield settings
        await run(f"DROP DATABASE {name}")


@pytest.fixture
async def migrated_mysql(mysql: MySQL, prepared: DatabasePool) -> AsyncIterator[MySQL]:
    """Return a migrated database on a real MySQL for one test."""
    wanted = Settings(adapters=Adapters(persistence="mysql"), mysql=mysql, encryption=ENCRYPTION)
    async with prepared.acquire(wanted) as settings:
        yield settings.mysql


@pytest.fixture
def kafka(server: Callable[[str], object]) -> Kafka:
    """Create topics on a real Kafka for one test."""
    prefix = f"{uuid4().hex[:8]}."
    return Kafka(bootstrap=str(server("kafka")), topic_prefix=prefix, group=f"{prefix}bursar", partitions=3)


@pytest.fixture
def rabbitmq(server: Callable[[str], object]) -> RabbitMQ:
    """Name the exchanges and queues of one test on a real RabbitMQ."""
    user, password = stack.RABBITMQ_USER
    found, prefix = server("rabbitmq"), f"{uuid4().hex[:8]}."
    assert isinstance(found, stack.RabbitMQServer)
    return RabbitMQ(nodes=found.address, user=user, password=Secret(password), topic_prefix=prefix, partitions=2)


@pytest.fixture
def rabbitmq_control(server: Callable[[str], object]) -> Callable[..., None]:
    """Return rabbitmqctl."""
    found = server("rabbitmq")
    assert isinstance(found, stack.RabbitMQServer)
    return found.control


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Kafka | RabbitMQ:
    """Return the broker that a test names, or that of its workspace."""
    named: str = getattr(request, "param", "") or request.node.callspec.params["workspace"].partition("+")[2]
    found: Kafka | RabbitMQ = request.getfixturevalue(named)
    return found


@pytest.fixture
def redis(server: Callable[[str], object]) -> Redis:
    """Return a real Redis."""
    return Redis(url=Secret(str(server("redis"))))


current_principal.set(SYSTEM)
"""Tests of what is permitted act as others; the contexts of event loops are copies of this one."""


@pytest.fixture(params=sorted(Storage.new_work.providers))
def stored_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Return settings for each kind of persistence."""
    settings = Settings(
        adapters=Adapters(persistence=request.param),
        sqlite=SQLite(path=str(tmp_path / "bursar.db")),
        identity=Identity(secret=Secret("the secret of an installation under test")),
        encryption=ENCRYPTION,
    )
    if request.param == "mysql":
        settings = msgspec.structs.replace(settings, mysql=request.getfixturevalue("mysql"))
    return settings


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> DatabasePool:
    """Keep migrated databases for reuse."""
    return DatabasePool(tmp_path_factory.mktemp("databases"))


@pytest.fixture
def commits() -> str:
    """Return the default kind of commit; a test module can override it."""
    return Adapters().commits


@pytest.fixture
async def stored(stored_settings: Settings, commits: str, prepared: DatabasePool) -> AsyncIterator[Application]:
    """Create an application on each kind of persistence."""
    chosen = msgspec.structs.replace(
        stored_settings, adapters=msgspec.structs.replace(stored_settings.adapters, commits=commits)
    )
    async with (
        prepared.acquire(chosen) as settings,
        running(an_application(settings)) as application,
    ):
        yield application
