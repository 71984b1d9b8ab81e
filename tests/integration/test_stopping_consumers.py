"""A consumer process ends on SIGTERM in any state of its broker."""

import asyncio
import os
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import pytest
from sqlalchemy import text

from adapters.encoding import message_from_event
from config.container import Application, running
from config.sections.servers import Kafka, MySQL, RabbitMQ
from config.settings import Settings
from tests.applications import an_application
from tests.e2e.workspace import BURSAR, on_real_servers
from tests.examples import a_submission, ids
from tests.integration.brokers import address, elsewhere, with_broker
from tests.tcp_switch import tcp_switch

WAITING = """
SELECT COUNT(*) FROM performance_schema.data_locks WHERE object_schema = :schema AND lock_status = 'WAITING'
"""


class TcpProxy:
    """A TCP proxy to a broker that can hang: bytes are neither forwarded nor refused."""

    def __init__(self, bootstrap: str) -> None:
        self._host, self._port = bootstrap.split(":")
        self._open = asyncio.Event()
        self._open.set()
        self._talks = set[asyncio.Task[None]]()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        yield self.port
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        server.close()
        await server.wait_closed()

    def hang(self) -> None:
        self._open.clear()

    async def _connect(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        broker, to_broker = await asyncio.open_connection(self._host, int(self._port))
        for talk in (self._pass(client, to_broker), self._pass(broker, to_client)):
            task = asyncio.create_task(talk)
            self._talks.add(task)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Forward frames, and replace the broker's address in metadata by that of the proxy."""
        theirs, ours = (b"localhost" + struct.pack(">i", int(port)) for port in (self._port, self.port))
        try:
            while True:
                length = await source.readexactly(4)
                frame = await source.readexactly(int.from_bytes(length, "big"))
                await self._open.wait()
                target.write(length + frame.replace(theirs, ours))
                await target.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass  # the peer closed the connection
        finally:
            target.close()
            with suppress(OSError):
                await target.wait_closed()


@asynccontextmanager
async def a_line(broker: Kafka | RabbitMQ) -> AsyncIterator[tuple[Callable[[], None], Kafka | RabbitMQ]]:
    """Yield what makes the line to the broker hang, and the broker at its end."""
    if isinstance(broker, Kafka):
        proxy = TcpProxy(broker.bootstrap)
        async with proxy.listening() as port:
            yield proxy.hang, elsewhere(broker, port)
        return
    async with tcp_switch(address(broker)) as (switch, port):
        yield switch.silence, elsewhere(broker, port)


@pytest.mark.alone
@pytest.mark.parametrize("broker", ["kafka", "rabbitmq"], indirect=True)
@pytest.mark.parametrize("hanging", [False, True])
async def test_a_stopping_consumer_finishes_its_in_flight_messages_within_ten_seconds(
    migrated_mysql: MySQL, broker: Kafka | RabbitMQ, tmp_path: Path, *, hanging: bool
) -> None:
    settings, log = with_broker(Settings(mysql=migrated_mysql), broker), tmp_path / "serve.log"
    messages = [message_from_event(a_submission()[1], ids.new()) for _ in range(30)]
    async with running(an_application(settings)) as application, a_line(broker) as (hang, end):
        await application.messaging.topics()()
        async with application.messaging.new_inbox() as slow:
            await slow.deduplicate(messages[0])
            await application.messaging.publisher().publish(messages)
            process = await serve(log, on_real_servers(migrated_mysql, end, SERVE="consumer"))
            await until_one(application, WAITING, {"schema": migrated_mysql.database})
            if hanging:
                hang()
            began = time.monotonic()
            process.terminate()
        async with asyncio.timeout(20):
            code = await process.wait()
        took = time.monotonic() - began
        taken = await one(application, "SELECT COUNT(DISTINCT notice_id) FROM deliveries")
        if not hanging:
            await until_unacknowledged(application, 30 - taken)
        await application.messaging.publisher().close()

    assert (code, took < 10) == (0, True), (took, log.read_text())
    assert "Traceback" not in log.read_text()
    # RabbitMQ delivers one by one: what had not come to the batch in flight goes to the next consumer
    assert taken == 30 if isinstance(broker, Kafka) else taken


async def until_unacknowledged(application: Application, messages: int) -> None:
    """Wait until the broker keeps so many messages for the next consumer."""
    async with asyncio.timeout(10):
        while sum((await application.messaging.consumer_lag().by_topic()).values()) != messages:
            await asyncio.sleep(0.05)


async def serve(log: Path, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    with log.open("w") as output:
        return await asyncio.create_subprocess_exec(
            BURSAR, "serve", stdout=output, stderr=output, env=os.environ | environment, cwd=log.parent
        )


async def one(application: Application, query: str, values: Mapping[str, object] = MappingProxyType({})) -> int:
    async with application.storage.database().reading() as connection:
        return int(await connection.scalar(text(query), values))


async def until_one(application: Application, query: str, values: Mapping[str, object]) -> None:
    async with asyncio.timeout(30):
        while not await one(application, query, values):
            await asyncio.sleep(0.02)
