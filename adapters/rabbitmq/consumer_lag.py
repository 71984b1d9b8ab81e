"""How many messages wait for the consumers, asked of the broker: also where no consumer runs."""

from collections.abc import Mapping, Sequence

from adapters.rabbitmq.connection import RabbitMQ
from adapters.rabbitmq.names import UNDELIVERABLE_QUEUE, TopicNames, names_of
from core.messaging.consumer_lag import ConsumerLag

TIMEOUT_SECONDS = 5.0


class RabbitMQConsumerLag(ConsumerLag):
    """Counts the messages in the queues; those that were delivered and wait for their acknowledgement are not in it.

    What the broker could not deliver counts, too: nothing consumes it, so that the alert of the lag tells of it.
    """

    def __init__(self, server: RabbitMQ, topic_prefix: str, contexts: Sequence[str], partitions: int) -> None:
        self._server, self._topics = server, names_of(topic_prefix, contexts, partitions)
        self._undeliverable = topic_prefix + UNDELIVERABLE_QUEUE

    async def by_topic(self) -> Mapping[str, int]:
        lag = {}
        async with self._server.connected(TIMEOUT_SECONDS) as connection:
            channel = await connection.channel()

            async def waiting(queue: str) -> int:
                return (await channel.queue_declare(queue, passive=True)).message_count or 0

            undeliverable = TopicNames(self._undeliverable, 0)
            for each in (*self._topics, undeliverable):
                lag[each.topic] = sum([await waiting(queue) for queue in each.queues])
        return lag
