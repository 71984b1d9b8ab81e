"""What every test may ask for: a stack of real servers, and a fee office built on it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from config.container import Application, Driven, running
from config.settings import Adapters, Kafka, MySQL, Redis, Secret, Settings, SQLite
from tests import containers as stack
from tests import databases
from tests.databases import DatabasePool

CONTAINERS = {"mysql": stack.mysql, "kafka": stack.kafka, "redis": stack.redis}
skipped_for_want_of_docker: Counter[str] = Counter()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-stack", action="store_true", help="fail tests whose servers cannot be started")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reason, count in skipped_for_want_of_docker.items():
        terminalreporter.write_line(f"{count} tests did not run: {reason}", yellow=True, bold=True)


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[Callable[[str], object]]:
    """Start each kind of server once, when it is first needed."""
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
    """Return a running server by name, or skip loudly where there can be none."""

    def running_server(name: str) -> object:
        if name not in stack.named() and (reason := stack.no_docker()):
            if request.config.getoption("--require-stack"):
                pytest.fail(f"{name} is required, but {reason}")
            skipped_for_want_of_docker[f"{name}: {reason}"] += 1
            pytest.skip(f"{name}: {reason}")
        return servers(name)

    return running_server


@pytest.fixture
async def mysql(server: Callable[[str], object]) -> AsyncIterator[MySQL]:
    """Lend a database of its own on a real MySQL."""
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
def kafka(server: Callable[[str], object]) -> Kafka:
    """Lend topics of its own on a real Kafka."""
    prefix = f"{uuid4().hex[:8]}."
    return Kafka(bootstrap=str(server("kafka")), topic_prefix=prefix, group=f"{prefix}bursar", partitions=3)


@pytest.fixture
def redis(server: Callable[[str], object]) -> Redis:
    """Lend a real Redis."""
    return Redis(url=Secret(str(server("redis"))))


@pytest.fixture(params=sorted(Driven.new_work.providers))
def stored_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Choose each kind of persistence that the switchboard offers."""
    settings = Settings(adapters=Adapters(persistence=request.param), sqlite=SQLite(path=str(tmp_path / "bursar.db")))
    if request.param == "mysql":
        settings = msgspec.structs.replace(settings, mysql=request.getfixturevalue("mysql"))
    return settings


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> DatabasePool:
    """Keep databases that have their tables already."""
    return DatabasePool(tmp_path_factory.mktemp("databases"))


@pytest.fixture
def commits() -> str:
    """Commit as we are shipped; a suite may choose otherwise."""
    return Adapters().commits


@pytest.fixture
async def stored(stored_settings: Settings, commits: str, prepared: DatabasePool) -> AsyncIterator[Application]:
    """Build an application on each kind of persistence."""
    chosen = msgspec.structs.replace(
        stored_settings, adapters=msgspec.structs.replace(stored_settings.adapters, commits=commits)
    )
    async with prepared.lent(chosen) as settings, running(Application(settings=settings)) as application:
        yield application


async def eventually(check: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until a condition holds, or fail."""
    async with asyncio.timeout(seconds):
        while not (found := check()):
            await asyncio.sleep(0.02)
        del found
