"""A primary and its replica, two real servers, and the applications on them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
from msgspec.structs import replace
from redis.asyncio import Redis
from sqlalchemy import text

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.replica import IS_PRIMARY
from config.container import Application, running
from config.sections import servers
from config.sections.section import Secret
from config.sections.servers import MySQL
from config.settings import Adapters, Settings
from core.kernel.own_writes import Position, View
from entrypoints.routes import ROUTES
from tests import databases
from tests.containers import MySqlServer
from tests.databases import ENCRYPTION
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.admission import an_api_key, http_app

OFFICE = "office"
numbers = count(1)
"""Of candidates: the database of the pair is not emptied."""


@dataclass
class Server:
    """One of the two."""

    number: int
    settings: MySQL

    async def run(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements as root; return the rows of the last."""
        rows: list[tuple[object, ...]] = []
        async with databases.root_of(self.settings) as run:
            for each in statements:
                rows = await run(each)
        return rows

    async def follow(self, source: "Server") -> None:
        """Replicate the other server."""
        await self.run(
            "SET GLOBAL super_read_only = ON",
            "STOP REPLICA",
            "RESET REPLICA ALL",
            f"CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'mysql{source.number}', SOURCE_USER = 'root',"
            " SOURCE_PASSWORD = 'root', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1",
            "START REPLICA",
        )

    async def executed(self) -> str:
        """Return the transactions that the server has."""
        return str((await self.run("SELECT @@global.gtid_executed"))[0][0]).replace("\n", "")

    async def uuid(self) -> str:
        """Return the id that the server's transactions have."""
        return str((await self.run("SELECT @@server_uuid"))[0][0])

    async def wait_for(self, gtids: str) -> None:
        """Return when the server has transactions."""
        assert await self.run(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{gtids}', 4)") == ((0,),)


@dataclass
class Pair:
    """The servers, each in one of two roles."""

    primary: Server
    replica: Server
    redis: servers.Redis

    async def begin(self) -> None:
        """Bring both into a known state, whatever the test before has left."""
        for each in (self.primary, self.replica):
            await each.run("SET GLOBAL read_only = OFF")
        if not await self.primary.run(f"SHOW DATABASES LIKE '{OFFICE}'"):
            for each in (self.primary, self.replica):
                await each.run("STOP REPLICA", "RESET BINARY LOGS AND GTIDS")
            await self.primary.run(f"CREATE DATABASE {OFFICE}")
            settings = Settings(
                adapters=Adapters(persistence="mysql"), mysql=self.primary.settings, encryption=ENCRYPTION
            )
            await databases.migrate(settings)
            async with running(Application(settings=settings, routes=ROUTES)) as application:
                await publish(application, a_schedule())
        await self.replica.follow(self.primary)
        await self.caught_up()

    async def caught_up(self) -> None:
        """Return when the replica has everything."""
        await self.replica.wait_for(await self.primary.executed())

    async def promote(self) -> None:
        """Do what docs/how-to/read-replicas.md tells an operator to do while the old primary is alive."""
        old, new = self.primary, self.replica
        await old.run("SET GLOBAL super_read_only = ON")
        await new.wait_for(await old.executed())
        await new.run("STOP REPLICA", "RESET REPLICA ALL", "SET GLOBAL read_only = OFF")
        self.primary, self.replica = new, old

    def settings(self, *, host: int = 0, replica: int = 0, replicas: tuple[str, ...] = (), **mysql: object) -> Settings:
        """Return the settings of a process; the ports stand for those of the primary and of the replica."""
        listed = (f"127.0.0.1:{replica or self.replica.settings.port}", *replicas)
        changed = {"port": host or self.primary.settings.port, "replicas": listed, "max_replica_lag_seconds": 60.0}
        return Settings(
            adapters=Adapters(persistence="mysql", cache="redis"),
            mysql=replace(self.primary.settings, **{**changed, **mysql}),
            redis=self.redis,
            encryption=ENCRYPTION,
        )


@dataclass
class Process:
    """An application, served over HTTP to one client."""

    application: Application
    http: httpx.AsyncClient

    @property
    def rotation(self) -> Any:
        """Return the replicas as this process knows them."""
        return self.application.storage.database().rotation

    @property
    def faults(self) -> list[str]:
        """Return why each replica is out of rotation, without the primary."""
        return [each.fault for each in self.rotation.replicas if each.fault != IS_PRIMARY]

    async def look(self) -> list[str]:
        """Look at the replicas until they are found close behind, or for half a second; return their faults."""
        for _ in range(20):
            await self.rotation.look()
            if not any("behind the primary" in fault for fault in self.faults):
                break
            await asyncio.sleep(0.025)
        return self.faults

    async def server(self, after: Position | None = None) -> str:
        """Return the UUID of the server that answers a read that may be stale."""
        async with browsing(self.application.storage.database(), View(after=after or {})) as connection:
            return str(await connection.scalar(text("SELECT @@server_uuid")))

    async def submit(self) -> httpx.Response:
        """Submit the fee of a candidate who has none yet."""
        number = next(numbers)
        await enrol(self.application, a_student(number))
        return await self.submit_for(number)

    async def submit_for(self, number: int) -> httpx.Response:
        """Submit the fee of a candidate."""
        body = {"schedule": "sahyadri-test", "registration": f"T-{number}"}
        return await self.http.post("/v1/exam-fees", json=body, headers={"Idempotency-Key": f"key-{number}"})

    @asynccontextmanager
    async def memory(self) -> AsyncIterator[Redis]:
        """Yield the Redis in which processes remember what clients have written."""
        async with Redis.from_url(self.application.settings().redis.url.reveal()) as redis:
            yield redis

    async def see(self, fee: str, **headers: str) -> httpx.Response:
        """Read a fee."""
        return await self.http.get(f"/v1/exam-fees/{fee}", headers=headers)


@asynccontextmanager
async def process_on(settings: Settings, key: str = "") -> AsyncIterator[Process]:
    """Run a process whose client has an API key, and which has looked at its replicas."""
    async with running(Application(settings=settings, routes=ROUTES)) as application:
        async with Redis.from_url(settings.redis.url.reveal()) as redis:
            await redis.set(f"{settings.redis.prefix}own-writes:since", 0, nx=True)  # it has known everything for long
        app = http_app(application, keyed=False, own_writes=application.storage.own_writes())
        headers = {"Authorization": f"Bearer {key or await an_api_key(application)}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://office", headers=headers) as http:
            process = Process(application, http)
            await process.look()
            yield process


def pair_of(servers: tuple[MySqlServer, MySqlServer], redis: servers.Redis) -> Pair:
    """Return the servers in the roles that their numbers suggest."""
    first, second = (
        Server(
            number,
            MySQL(
                host=each.host, port=each.port, user=each.user, password=Secret(each.password), database=OFFICE,
                connections=4,
            ),
        )
        for number, each in enumerate(servers, 1)
    )  # fmt: skip
    return Pair(first, second, redis)
