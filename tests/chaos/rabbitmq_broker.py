"""RabbitMQ as the broker of a run."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiormq import spec
from aiormq.abc import AbstractChannel, AbstractConnection, DeliveredMessage
from testcontainers.core.container import DockerContainer

from adapters.rabbitmq.connection import FAILURES, RabbitMQ, close
from core.kernel.errors import Unavailable
from tests.chaos.brokers import HOST, PARTITIONS, Producer
from tests.chaos.topics import Published, published
from tests.containers import RABBITMQ_USER


@dataclass(slots=True)
class RabbitMQProducer:
    """Sends to RabbitMQ, over a new connection after each failure."""

    server: RabbitMQ
    connection: AbstractConnection | None = None
    channel: AbstractChannel | None = None

    async def send(self, topic: str, key: str, headers: Mapping[str, str], body: bytes) -> None:
        properties = spec.Basic.Properties(headers=dict(headers), delivery_mode=2)
        try:
            if self.connection is None or self.channel is None:
                self.connection = await self.server.connect()
                self.channel = await self.connection.channel()
            await self.channel.basic_publish(
                body, exchange=topic, routing_key=key, properties=properties, mandatory=True
            )
        except BaseException:
            lost, self.connection, self.channel = self.connection, None, None
            await close(lost)
            raise


@dataclass(frozen=True, slots=True)
class RabbitMQBroker:
    """A RabbitMQ with one node; a stream at each exchange keeps what was published."""

    port: int
    container: DockerContainer
    word: str = "rabbitmq"
    failures: tuple[type[Exception], ...] = field(default=(*FAILURES, Unavailable))

    @property
    def server(self) -> RabbitMQ:
        """Return the direct connection."""
        return RabbitMQ(f"{HOST}:{self.port}", "/", *RABBITMQ_USER, None)

    def settings(self, port: int, name: str) -> dict[str, Any]:
        user, password = RABBITMQ_USER
        account = {"user": user, "password": password}
        return account | {"nodes": f"{HOST}:{port}", "topic_prefix": f"{name}.", "partitions": PARTITIONS}

    async def works(self) -> bool:
        try:
            await close(await self.server.connect())
        except Unavailable:
            return False
        return True

    async def prepare(self, topics: Sequence[str]) -> None:
        async with self.server.connected(60) as connection:
            channel = await connection.channel()
            for topic in topics:
                await channel.exchange_declare(topic, exchange_type="fanout", durable=True)
                await channel.queue_declare(kept(topic), durable=True, arguments={"x-queue-type": "stream"})
                await channel.queue_bind(kept(topic), topic)

    @asynccontextmanager
    async def producer(self) -> AsyncIterator[Producer]:
        producer = RabbitMQProducer(self.server)
        yield producer
        await close(producer.connection)

    async def records(self, topic: str) -> list[list[Published]]:
        """Read the stream of a topic up to a message that is sent for it."""
        found, delivered = list[Published](), asyncio.Queue[DeliveredMessage]()
        async with self.server.connected(120) as connection:
            channel = await connection.channel()
            end = uuid4().bytes
            await channel.basic_publish(end, routing_key=kept(topic), mandatory=True)
            await channel.basic_qos(prefetch_count=1_000)
            await channel.basic_consume(kept(topic), delivered.put, arguments={"x-stream-offset": "first"})
            while (message := await delivered.get()).body != end:
                await channel.basic_ack(message.delivery_tag or 0)
                headers = canonical(message.header.properties.headers or {})
                if "ce_id" in headers:  # not the end of an earlier reading
                    found.append(published(headers))
        return [found]

    async def lag(self, topics: Sequence[str], group: str) -> int:
        """Count what is in the queues, delivered messages included."""
        listed = await asyncio.to_thread(
            self.container.exec, ["rabbitmqctl", "-q", "--no-table-headers", "list_queues", "name", "messages"]
        )
        assert listed.exit_code == 0, listed.output
        rows = [line.split() for line in listed.output.decode().splitlines()]
        wanted = {f"{topic}.{number}" for topic in topics for number in range(PARTITIONS)}
        return sum(int(row[1]) for row in rows if len(row) == 2 and row[0] in wanted)


def kept(topic: str) -> str:
    """Return the name of the stream of a topic."""
    return f"kept.{topic}"


def canonical(headers: Mapping[str, Any]) -> dict[str, bytes]:
    """Return headers as Kafka has them."""
    return {name.replace("cloudEvents:", "ce_"): str(text).encode() for name, text in headers.items()}
