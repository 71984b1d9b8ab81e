"""The real servers: MySQL and the broker in containers, and Toxiproxy between them and the product.

Toxiproxy runs in the network of the host: so its resets arrive as resets, which Docker's proxy for published ports
would turn into orderly closes, and it reaches vendors on this machine.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncmy
from testcontainers.community.mysql import MySqlContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException

from tests.chaos.brokers import HOST, Broker, KafkaBroker, kafka_container
from tests.chaos.rabbitmq_broker import RabbitMQBroker
from tests.containers import MYSQL, TOXIPROXY, free_port, rabbitmq_container

PASSWORD = "root"
VENDORS = ("twilio", "ses")
PROXIED = ("mysql", "broker", *VENDORS)
TOXICS: dict[str, dict[str, Any]] = {
    "delay": {"type": "latency", "attributes": {"latency": 250, "jitter": 200}},
    "reset": {"type": "reset_peer", "attributes": {"timeout": 100}},
    "limit": {"type": "limit_data", "attributes": {"bytes": 2_000}},
    "hang": {"type": "timeout", "attributes": {"timeout": 0}},
    "mute": {"type": "limit_data", "attributes": {"bytes": 1}},
}
"""The toxics of Toxiproxy on responses; `cut` closes the proxy instead."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The addresses: direct ones for the judge, and those behind the proxy for the system under test."""

    direct: dict[str, int]
    proxied: dict[str, int]
    containers: dict[str, DockerContainer]
    toxiproxy: aiohttp.ClientSession
    broker: Broker

    async def connect(self, database: str = "mysql") -> Any:
        """Open a direct connection to MySQL."""
        return await asyncmy.connect(
            host=HOST, port=self.direct["mysql"], user="root", password=PASSWORD, database=database, autocommit=True
        )

    async def trouble(self, server: str, kind: str) -> None:
        """Add a fault between a server and its clients."""
        if kind == "cut":
            await self._ask("POST", f"/proxies/{server}", {"enabled": False})
        else:
            await self._ask("POST", f"/proxies/{server}/toxics", {"name": kind, "stream": "downstream", **TOXICS[kind]})

    async def heal(self, server: str, kind: str) -> None:
        """Remove a fault."""
        if kind == "cut":
            await self._ask("POST", f"/proxies/{server}", {"enabled": True})
        else:
            await self._ask("DELETE", f"/proxies/{server}/toxics/{kind}")

    async def restart(self, server: str, *, gently: bool = False) -> None:
        """Stop a server, by SIGKILL unless `gently`, and start it; return when it responds."""
        container = self.containers[server].get_wrapped_container()
        if gently:
            await asyncio.to_thread(container.stop, timeout=10)
        else:
            await asyncio.to_thread(container.kill)
        await asyncio.to_thread(container.start)
        await self.answers(server)

    async def answers(self, server: str) -> None:
        """Return when a server responds; a connection alone proves only that Docker's proxy runs."""
        async with asyncio.timeout(60):
            while not await self._works(server):
                await asyncio.sleep(0.1)

    async def _works(self, server: str) -> bool:
        try:
            if server == "mysql":
                await (await self.connect()).ensure_closed()
            else:
                return await self.broker.works()
        except (OSError, asyncmy.errors.Error):
            return False
        return True

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        async with self.toxiproxy.request(method, path, json=body) as answer:
            assert answer.status < 300, f"Toxiproxy answered {answer.status}: {await answer.text()}"


@asynccontextmanager
async def running_stack(events: str = "kafka") -> AsyncIterator[Stack]:
    """Start the servers concurrently, and remove them at the end."""
    direct, proxied = ({name: free_port() for name in PROXIED} for _ in range(2))
    control = free_port()
    mysql = MySqlContainer(MYSQL, dialect="asyncmy", root_password=PASSWORD).with_bind_ports(3306, direct["mysql"])
    mysql.with_command(
        "mysqld --innodb-flush-log-at-trx-commit=1 --sync-binlog=1 --max-connect-errors=1000000 --max-connections=500"
    )
    through, broker, container = broker_of(events, direct["broker"], proxied["broker"])
    toxiproxy = DockerContainer(TOXIPROXY).with_kwargs(network_mode="host")
    toxiproxy.with_command(f"-host={HOST} -port={control}")
    async with AsyncExitStack() as everything:
        await start(everything, mysql, container, toxiproxy)
        session = await everything.enter_async_context(aiohttp.ClientSession(f"http://{HOST}:{control}"))
        stack = Stack(direct, proxied, {"mysql": mysql, "broker": container}, session, broker)
        for name in PROXIED:
            upstream = through if name == "broker" else direct[name]
            proxy = {"name": name, "listen": f"{HOST}:{proxied[name]}", "upstream": f"{HOST}:{upstream}"}
            await stack._ask("POST", "/proxies", proxy | {"enabled": True})
        yield stack


def broker_of(events: str, direct: int, proxied: int) -> tuple[int, Broker, DockerContainer]:
    """Return the port that Toxiproxy forwards to, and the broker with its container."""
    if events == "rabbitmq":
        container = rabbitmq_container(direct)
        return direct, RabbitMQBroker(direct, container), container
    through = free_port()
    return through, KafkaBroker(f"{HOST}:{direct}"), kafka_container(direct, proxied, through)


async def start(everything: AsyncExitStack, *containers: DockerContainer) -> None:
    """Start containers concurrently; remove the started ones even if another fails to start."""
    loop = asyncio.get_running_loop()
    pool = everything.enter_context(ThreadPoolExecutor(len(containers)))
    for container in containers:
        everything.push_async_callback(asyncio.to_thread, throw_away, container)
    await asyncio.gather(*(loop.run_in_executor(pool, container.start) for container in containers))


def throw_away(container: DockerContainer) -> None:
    """Remove a container with its data, in any state."""
    with suppress(ContainerStartException):  # it never started; the original error is raised already
        if container.get_wrapped_container() is not None:
            container.stop()
