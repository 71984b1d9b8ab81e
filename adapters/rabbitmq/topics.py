"""Declares the exchanges and queues of the application."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed, ConnectionClosed

from adapters.rabbitmq.connection import RabbitMQ, reason
from adapters.rabbitmq.names import HEARTBEAT_QUEUE, UNDELIVERABLE_QUEUE, TopicNames, names_of
from core.kernel.errors import Conflict
from core.kernel.health import Unfit
from core.messaging.topic import Topic

TIMEOUT_SECONDS = 120.0
DELIVERY_LIMIT = 100
"""A message whose consumer is lost so often without an acknowledgement goes to `bursar.undeliverable.v1`."""
MILLISECONDS_PER_DAY = 86_400_000
SPREADING = "x-consistent-hash"
QUORUM: dict[str, Any] = {"x-queue-type": "quorum"}


class DeclaredDifferently(Conflict):
    """An exchange or a queue exists with other arguments."""

    problem = "declared-differently"


@dataclass(frozen=True, slots=True)
class RabbitMQTopics:
    """Declares what is missing: a fanout exchange for each topic, and behind it its partitions.

    Others bind their own queues to the fanout exchange.
    """

    server: RabbitMQ
    topic_prefix: str
    partitions: int
    replicas: int
    messages_days: float
    """How long a message waits for its consumer: the inbox must remember it when it comes again."""
    contexts: Sequence[str]

    async def __call__(self) -> list[Topic]:
        """Return every topic after declaring it; raise `DeclaredDifferently` or `Unavailable`."""
        async with self.server.connected(TIMEOUT_SECONDS) as connection:
            try:
                topics = names_of(self.topic_prefix, self.contexts, self.partitions)
                await self._declare_own(await connection.channel())
                return [await self._ensure(connection, each) for each in topics]
            except (ChannelPreconditionFailed, ConnectionClosed) as error:
                raise self._refusal(error) from error

    def _refusal(self, error: ChannelPreconditionFailed | ConnectionClosed) -> Exception:
        """Return the error for what the broker does not declare; older ones end the connection."""
        said = reason(error)
        if "unknown exchange type" in said:
            plugin = "rabbitmq-plugins enable rabbitmq_consistent_hash_exchange"
            return Unfit(f"RabbitMQ at {self.server.nodes}: {said}: {plugin}", plugin)
        if isinstance(error, ConnectionClosed):
            return self.server.unavailable(error)
        return DeclaredDifferently(f"{said}: delete it while it is empty, and repeat `bursar topics`")

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the arguments of a partition: messages in order to one consumer at a time, and none dropped."""
        return QUORUM | {
            "x-single-active-consumer": True,
            "x-quorum-initial-group-size": self.replicas,
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-message-ttl": round(self.messages_days * MILLISECONDS_PER_DAY),
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.topic_prefix + UNDELIVERABLE_QUEUE,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",  # the strategy demands it; without a length it has no other effect
        }

    async def _declare_own(self, channel: AbstractChannel) -> None:
        kept = QUORUM | {"x-quorum-initial-group-size": self.replicas}
        brief = kept | {"x-max-length": 1}
        for name, arguments in ((UNDELIVERABLE_QUEUE, kept), (HEARTBEAT_QUEUE, brief)):
            await channel.queue_declare(self.topic_prefix + name, durable=True, arguments=arguments)

    async def _ensure(self, connection: AbstractConnection, topic: TopicNames) -> Topic:
        created = not await exists(connection, topic.topic)
        channel = await connection.channel()
        await channel.exchange_declare(topic.topic, exchange_type="fanout", durable=True)
        source, arguments = topic.topic, QUORUM | {"x-quorum-initial-group-size": self.replicas}
        if topic.partitions:
            source, arguments = topic.spreading, self.arguments
            await channel.exchange_declare(source, exchange_type=SPREADING, durable=True)
            await channel.exchange_bind(source, topic.topic)
        for queue in topic.queues:
            await channel.queue_declare(queue, durable=True, arguments=arguments)
            await channel.queue_bind(queue, source, routing_key="1")  # its weight
        await channel.close()
        told = {name: str(value) for name, value in arguments.items() if value != ""}
        return Topic(topic.topic, len(topic.queues), self.replicas, told, created=created)


async def exists(connection: AbstractConnection, exchange: str) -> bool:
    """Tell whether an exchange exists; the broker closes the channel if not."""
    channel = await connection.channel()
    try:
        await channel.exchange_declare(exchange, passive=True)
    except ChannelNotFoundEntity:
        return False
    await channel.close()
    return True
