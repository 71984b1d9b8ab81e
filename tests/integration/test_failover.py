"""After a failover of MySQL the processes work on the new server within seconds."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from testcontainers.community.mysql import MySqlContainer

from adapters.sql.messaging.leases import SqlLeases
from config.container import Application, running
from config.sections.section import Secret
from config.sections.servers import MySQL
from config.settings import Adapters, Settings
from core.kernel.errors import Unavailable
from entrypoints.routes import ROUTES
from tests import containers, databases
from tests.examples import a_request, a_submission
from tests.tcp_switch import TcpSwitch, tcp_switch
from tests.units_of_work import any_work

RECOVERY_SECONDS = 15.0


@contextmanager
def one_more_server() -> Iterator[MySQL]:
    with MySqlContainer(containers.MYSQL, dialect="asyncmy", root_password="root", command="mysqld") as container:
        port = int(container.get_exposed_port(3306))
        yield MySQL(host="127.0.0.1", port=port, user="root", password=Secret("root"), database="office", connections=4)


@pytest.fixture(scope="module")
def servers_of_failover(request: pytest.FixtureRequest) -> Iterator[tuple[MySQL, MySQL]]:
    if reason := containers.no_docker():
        (pytest.fail if request.config.getoption("--require-stack") else pytest.skip)(f"mysql: {reason}")
    with one_more_server() as old, one_more_server() as new:
        yield old, new


class Failover:
    """An application behind a switch between two servers that hold the same."""

    def __init__(self, application: Application, switch: TcpSwitch, old: MySQL, new: MySQL) -> None:
        self.application, self.switch, self.old, self.new = application, switch, old, new

    def repoint(self) -> None:
        self.switch.target = (self.new.host, self.new.port)

    async def submit(self) -> str:
        submission, submitted = a_submission()
        async with any_work(self.application) as work:
            work.submissions.add(submission)
            work.record(submitted)
            work.record_answer(a_request(str(submission.id)), submission)
            await work.commit()
        return str(submission.id)

    async def server(self) -> int:
        async with self.application.storage.database().reading() as connection:
            return int(await connection.scalar(text("SELECT CRC32(@@server_uuid)")))


@asynccontextmanager
async def failover(servers: tuple[MySQL, MySQL], connection_seconds: float = 300.0) -> AsyncIterator[Failover]:
    old, new = servers
    settings = Settings(adapters=Adapters(persistence="mysql"))
    for each in servers:
        async with databases.root_of(each) as run:
            await run("SET GLOBAL super_read_only = OFF, GLOBAL read_only = OFF, GLOBAL offline_mode = OFF")
            await run("DROP DATABASE IF EXISTS office")
            await run("CREATE DATABASE office")
            # administrators would stay connected in offline mode
            await run("CREATE USER IF NOT EXISTS office IDENTIFIED BY 'office'")
            await run("GRANT ALL ON office.* TO office")
        await databases.migrate(replace(settings, mysql=each))
    async with AsyncExitStack() as stack:
        switch, port = await stack.enter_async_context(tcp_switch((old.host, old.port)))
        behind = replace(settings, mysql=replace(old, port=port, user="office", password=Secret("office")))
        behind = replace(behind, mysql=replace(behind.mysql, connection_seconds=connection_seconds))
        application = await stack.enter_async_context(running(Application(settings=behind, routes=ROUTES)))
        yield Failover(application, switch, old, new)


async def stored(server: MySQL) -> list[int]:
    async with databases.root_of(server) as run:
        counted = ("submissions", "event_log", "outbox", "requests")
        return [(await run(f"SELECT COUNT(*) FROM office.{table}"))[0][0] for table in counted]


async def retried(work: Callable[[], object], seconds: float = RECOVERY_SECONDS) -> list[str]:
    """Repeat until it works; return the refusals, each of which is `Unavailable`."""
    refusals, until = list[str](), time.monotonic() + seconds
    while True:
        try:
            await work()  # type: ignore[misc]
        except Unavailable as error:
            assert time.monotonic() < until, refusals
            refusals.append(str(error))
            await asyncio.sleep(0.05)
        else:
            return refusals


@pytest.mark.parametrize("how", ["super_read_only", "offline_mode", "silence"])
async def test_work_continues_on_the_new_server(servers_of_failover: tuple[MySQL, MySQL], how: str) -> None:
    async with failover(servers_of_failover) as office:
        leases = SqlLeases(office.application.storage.database(), "relay-1")
        await asyncio.gather(*(office.submit() for _ in range(20)), *(office.server() for _ in range(4)))
        assert await leases.renew(60) == 64
        async with databases.root_of(office.old) as run:
            if how == "silence":
                office.switch.silence()
            else:
                await run(f"SET GLOBAL {how} = ON")
        if how == "super_read_only":  # before the address moves: refused, and nothing is stored
            with pytest.raises(Unavailable):
                await office.submit()
            with pytest.raises(Unavailable, match="takes no writes"):
                await office.application.storage.persistence_probe().check()
        office.repoint()

        refused = await asyncio.gather(*(retried(office.submit) for _ in range(8)), retried(lambda: leases.renew(60)))

        assert sum(map(len, refused)) < 100
        assert await stored(office.old) == [20] * 4
        assert await stored(office.new) == [8] * 4


async def test_a_server_that_is_left_without_an_error_is_left_by_age(servers_of_failover: tuple[MySQL, MySQL]) -> None:
    async with failover(servers_of_failover, connection_seconds=1.0) as office:
        first = await office.server()
        office.repoint()
        async with asyncio.timeout(RECOVERY_SECONDS):
            while await office.server() == first:
                await asyncio.sleep(0.05)
