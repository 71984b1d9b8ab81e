"""The probe of RabbitMQ: the topics exist, and a queue takes a message."""

from collections.abc import Sequence

from aiormq import spec
from aiormq.exceptions import ChannelNotFoundEntity

from adapters.rabbitmq.connection import RabbitMQ
from adapters.rabbitmq.names import HEARTBEAT_QUEUE
from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.messaging.message import topic_of

TIMEOUT_SECONDS = 2.0


class RabbitMQProbe(Probe):
    """Looks up every exchange, and publishes one message: a majority of the nodes of its queue confirms it."""

    name = "events (rabbitmq)"
    deadline_seconds = 3.0
    remedy = "start the broker or correct rabbitmq.nodes; create topics with `bursar topics`"

    def __init__(self, server: RabbitMQ, topic_prefix: str, contexts: Sequence[str], serve: Sequence[str]) -> None:
        self._server, self._heartbeat = server, topic_prefix + HEARTBEAT_QUEUE
        self._topics = sorted(topic_prefix + topic_of(context) for context in contexts)
        self.essential = "http" not in serve  # requests are stored without the broker; the relay sends them later

    async def check(self) -> str:
        async with self._server.connected(TIMEOUT_SECONDS) as connection:
            channel = await connection.channel()
            for topic in self._topics:
                try:
                    await channel.exchange_declare(topic, passive=True)
                except ChannelNotFoundEntity as error:
                    raise Unavailable(f"RabbitMQ at {self._server.nodes} has no topic {topic}") from error
            message = spec.Basic.Properties(delivery_mode=2)
            await channel.basic_publish(b"", routing_key=self._heartbeat, mandatory=True, properties=message)
        return f"{self._server.nodes}, {len(self._topics)} topics, a queue took a message"
