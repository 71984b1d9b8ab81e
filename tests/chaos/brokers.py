"""The broker of a run, as its clients and the judge use it: without the proxy and the product."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.chaos.topics import Published, lag, records
from tests.containers import KAFKA, ONE_BROKER

HOST = "127.0.0.1"
PARTITIONS = 3


class Producer(Protocol):
    """Sends commands."""

    async def send(self, topic: str, key: str, headers: Mapping[str, str], body: bytes) -> None:
        """Send one message; raise one of `Broker.failures` if the broker does not acknowledge it."""


class Broker(Protocol):
    """One kind of broker, at a port of this machine."""

    word: str
    failures: tuple[type[Exception], ...]

    def settings(self, port: int, name: str) -> dict[str, Any]:
        """Return the section of a process that reaches the broker at a port."""

    async def works(self) -> bool:
        """Tell whether the broker responds."""

    async def prepare(self, topics: Sequence[str]) -> None:
        """Keep what is published to these topics for the judge; create those that the product does not know."""

    def producer(self) -> AbstractAsyncContextManager[Producer]:
        """Open a producer."""

    async def records(self, topic: str) -> list[list[Published]]:
        """Return the records of a topic by partition."""

    async def lag(self, topics: Sequence[str], group: str) -> int:
        """Return the number of messages that the consumers have not acknowledged."""


@dataclass(frozen=True, slots=True)
class KafkaProducer:
    """Sends to Kafka."""

    client: AIOKafkaProducer

    async def send(self, topic: str, key: str, headers: Mapping[str, str], body: bytes) -> None:
        encoded = [(name, text.encode()) for name, text in headers.items()]
        await self.client.send_and_wait(topic, body, key=key.encode(), headers=encoded)


@dataclass(frozen=True, slots=True)
class KafkaBroker:
    """A Kafka with one node."""

    bootstrap: str
    word: str = "kafka"
    failures: tuple[type[Exception], ...] = (KafkaError,)

    def settings(self, port: int, name: str) -> dict[str, Any]:
        return {"bootstrap": f"{HOST}:{port}", "topic_prefix": f"{name}.", "group": name, "partitions": PARTITIONS}

    async def works(self) -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=1_000)
        try:
            await admin.start()
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()
        return True

    async def prepare(self, topics: Sequence[str]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in topics])  # those that exist stay
        finally:
            await admin.close()

    @asynccontextmanager
    async def producer(self) -> AsyncIterator[Producer]:
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", request_timeout_ms=5_000) as client:
            yield KafkaProducer(client)

    async def records(self, topic: str) -> list[list[Published]]:
        return await records(self.bootstrap, topic)

    async def lag(self, topics: Sequence[str], group: str) -> int:
        return await lag(self.bootstrap, list(topics), group)


def kafka_container(direct: int, proxied: int, through: int) -> DockerContainer:
    """Return a Kafka that the judge reaches at `direct`, and Toxiproxy at `through` for clients of `proxied`."""
    listeners = f"PLAINTEXT://{HOST}:{proxied},DIRECT://{HOST}:{direct}"
    container = DockerContainer(KAFKA).with_bind_ports(9094, direct).with_bind_ports(9092, through).with_envs(
        **ONE_BROKER | {
            "KAFKA_LISTENERS": "PLAINTEXT://:9092,DIRECT://:9094,CONTROLLER://:9093",
            "KAFKA_ADVERTISED_LISTENERS": listeners,
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "KAFKA_INTER_BROKER_LISTENER_NAME": "DIRECT",
        }
    )  # fmt: skip
    return container.waiting_for(LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(60))
