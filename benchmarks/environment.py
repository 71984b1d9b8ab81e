"""The measured system: a database and topics of its own, and the processes that serve it."""

import asyncio
import os
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from asyncmy import connect

import config
from benchmarks.installed import installed
from config.container import Application, running
from config.sections.section import Secret
from config.sections.servers import Kafka, MySQL, RabbitMQ
from config.settings_file import load
from core.identity.account import NewAccount
from core.identity.api_key import NewApiKey
from core.identity.roles import Role
from core.kernel.authorization import SYSTEM, acting_as
from entrypoints.routes import ROUTES
from tests.containers import RABBITMQ_USER, MySqlServer, RabbitMQServer
from tests.e2e.workspace import on_real_servers

ALL_TRANSPORTS = "http,consumer,relay,dispatcher,scheduler"
CLIENT_ACCOUNTS = 64
READY_LINE = re.compile(r"(?:is open|running on)(?:: | )?(http://\S+)?")
"""The line with which Bursar or uvicorn reports that it is ready, with its address if it has one."""
Figures = Mapping[str, float]
READY_TIMEOUT_SECONDS = 900.0
"""The time limit in seconds for a process to reach a state."""


@dataclass(slots=True)
class Process:
    """One server process under measurement."""

    popen: subprocess.Popen[bytes]
    log: Path
    credentials: Sequence[str] = ()
    """API keys of different accounts."""

    def wait_until_ready(self) -> str:
        """Wait until the process is ready, and return its address if it has one."""
        self.until(lambda: READY_LINE.search(self.log.read_text(encoding="utf-8")))
        found = READY_LINE.search(self.log.read_text(encoding="utf-8"))
        return found[1] or "" if found else ""

    def peak_mib(self) -> float:
        """Return the peak resident memory in bytes."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def until(self, done: Callable[[], object]) -> None:
        """Wait until a condition holds; raise if the process ends before."""
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while not done():
            if self.popen.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(encoding="utf-8")[-2_000:]
                raise RuntimeError(f"the measured process ended, or took too long: {said}")
            time.sleep(0.25)


def cpu_seconds(pid: int) -> float:
    """Return the processor time of all threads of a process, also of those that have ended."""
    clock = ~pid << 3 | 2  # what clock_getcpuclockid(3) of Linux returns, in nanoseconds where /proc counts ticks
    return time.clock_gettime(clock)


LIMITED = ("REQUESTS", "SUBMISSIONS", "SIGN_INS", "REFRESHES", "CODES")
UNREACHED_LIMITS = {f"LIMITS__{kind}_PER_MINUTE": "100000000" for kind in LIMITED}
"""Requests are counted, but one machine sends what a country does."""


@dataclass(slots=True)
class BenchmarkEnvironment:
    """A new database and topics on real servers."""

    mysql: MySqlServer
    kafka: str | None
    """The broker; without it and RabbitMQ, events are embedded."""
    folder: Path
    rabbitmq: RabbitMQServer | None = None
    name: str = field(default_factory=lambda: f"bench_{uuid4().hex[:12]}")
    changes: dict[str, str] = field(default_factory=dict)
    """Settings that differ from the default in all processes."""
    credentials: list[str] = field(default_factory=list)

    def variables(self, **changes: str) -> dict[str, str]:
        """Return the default configuration with these servers and changes."""
        server, password = self.mysql, Secret(self.mysql.password)
        mysql = MySQL(host=server.host, port=server.port, database=self.name, user=server.user, password=password)
        embedded = {} if self.kafka or self.rabbitmq else {"ADAPTERS__EVENTS": "embedded"}
        usual = {"TELEMETRY__LEVEL": "warning"} | embedded | UNREACHED_LIMITS
        return on_real_servers(mysql, self._broker(), **usual | self.changes | changes)

    def _broker(self) -> Kafka | RabbitMQ:
        if not self.rabbitmq:
            return Kafka(bootstrap=self.kafka or Kafka().bootstrap, topic_prefix=f"{self.name}.", group=self.name)
        user, password = RABBITMQ_USER
        return RabbitMQ(nodes=self.rabbitmq.address, vhost=self.name, user=user, password=Secret(password))

    @contextmanager
    def serve(self, transports: str, **changes: str) -> Iterator[Process]:
        """Run `bursar serve` with these transports until the end of the block."""
        with self.run([installed("bursar"), "serve"], self.variables(SERVE=transports, **changes)) as process:
            yield process

    @contextmanager
    def run(self, words: Sequence[str], variables: Mapping[str, str]) -> Iterator[Process]:
        """Run a server until the end of the block."""
        log = self.folder / f"{uuid4().hex}.log"
        with log.open("w", encoding="utf-8") as output:
            popen = subprocess.Popen(  # noqa: S603 - fixed command
                words, env={**os.environ, **variables}, cwd=self.folder, stdout=output, stderr=output
            )
            try:
                yield Process(popen, log, self.credentials)
            finally:
                popen.terminate()
                popen.wait(timeout=30)

    @asynccontextmanager
    async def application(self) -> AsyncIterator[Application]:
        """Build the application in this process."""
        settings = load(Path(config.__file__).parent / "local.toml", self.variables())
        with acting_as(SYSTEM):
            async with running(Application(settings=settings, routes=ROUTES)) as application:
                yield application

    def prepare(self, work: Callable[[Application], Coroutine[Any, Any, None]]) -> None:
        """Run a coroutine on the application in this process, before the measurement."""

        async def prepared() -> None:
            async with self.application() as application:
                await work(application)

        asyncio.run(prepared())

    async def create_credentials(self, application: Application) -> None:
        """Create an account and its API key for each client."""
        identity = application.use_cases().identity
        for number in range(CLIENT_ACCOUNTS):
            account = await identity.create_account(NewAccount(roles=(Role.ADMINISTRATOR,), name=f"Client {number}"))
            issued = await identity.create_api_key(NewApiKey(account=account.id, name="benchmark"))
            self.credentials.append(issued.credential)

    def number_rows(self, below: int) -> None:
        """Create the table `numbers` of the numbers `n` below a number, for statements that insert as many rows."""
        rows = f"(SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < {below - 1})"  # noqa: S608 - a number
        deep = f"/*+ SET_VAR(cte_max_recursion_depth = {below}) */"
        self.sql(f"CREATE TABLE numbers WITH RECURSIVE counted (n) AS {rows} SELECT {deep} n FROM counted")  # noqa: S608 - numbers

    def sql(self, statement: str, database: str | None = None) -> list[Any]:
        """Run one statement as root, and return its rows."""

        async def run() -> list[Any]:
            connection = await connect(
                host=self.mysql.host,
                port=self.mysql.port,
                user=self.mysql.user,
                password=self.mysql.password,
                database=self.name if database is None else database,
                autocommit=True,
                init_command="SET sql_log_bin = 0",  # millions of rows without replication
            )
            async with connection.cursor() as cursor:
                await cursor.execute(statement)
                rows = list(await cursor.fetchall())
            await connection.ensure_closed()
            return rows

        return asyncio.run(run())


@contextmanager
def benchmark_environment(
    mysql: MySqlServer, kafka: str | None, rabbitmq: RabbitMQServer | None = None, **changes: str
) -> Iterator[BenchmarkEnvironment]:
    """Create an environment with changed settings, and remove it at the end."""
    with TemporaryDirectory() as folder, ExitStack() as removed:
        environment = BenchmarkEnvironment(mysql, kafka, Path(folder), rabbitmq, changes=changes)
        if rabbitmq:
            removed.enter_context(a_virtual_host(rabbitmq, environment.name))
        environment.sql(f"CREATE DATABASE {environment.name}", database="")
        try:
            environment.prepare(create_schema_and_topics)
            environment.prepare(environment.create_credentials)
            yield environment
        finally:
            environment.sql(f"DROP DATABASE {environment.name}", database="")


@contextmanager
def a_virtual_host(server: RabbitMQServer, name: str) -> Iterator[None]:
    """Create a virtual host, and remove it with its queues at the end."""
    server.control("add_vhost", name)
    server.control("set_permissions", "--vhost", name, RABBITMQ_USER[0], ".*", ".*", ".*")
    yield
    server.control("delete_vhost", name)


async def create_schema_and_topics(application: Application) -> None:
    """Create the tables and topics."""
    await application.storage.migrate()
    await application.use_cases().identity.create_signing_key()
    if application.settings().adapters.events != "embedded":
        await application.messaging.topics()()
