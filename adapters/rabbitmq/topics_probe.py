"""Whether the queues are those of the settings."""

from aiormq.abc import AbstractConnection
from aiormq.exceptions import ChannelNotFoundEntity

from adapters.rabbitmq.connection import RabbitMQ
from adapters.rabbitmq.names import UNDELIVERABLE_QUEUE, names_of
from core.kernel.health import Probe, Unfit

TIMEOUT_SECONDS = 8.0


class RabbitMQTopicsProbe(Probe):
    """Tells which queues are missing, which no consumer reads, and what the broker could not deliver."""

    name, remedy = "topics (rabbitmq)", "correct rabbitmq.nodes"
    deadline_seconds = 9.0

    def __init__(self, server: RabbitMQ, topic_prefix: str, contexts: tuple[str, ...], partitions: int) -> None:
        self._server, self._topics = server, names_of(topic_prefix, contexts, partitions)
        self._undeliverable = topic_prefix + UNDELIVERABLE_QUEUE

    async def check(self) -> str:
        async with self._server.connected(TIMEOUT_SECONDS) as connection:
            wanted = [queue for topic in self._topics for queue in topic.queues]
            if missing := [queue for queue in wanted if await depth(connection, queue) is None]:
                raise Unfit(f"missing queues: {', '.join(missing)}", "create them with `bursar topics`")
            beyond = [f"{each.topic}.{each.partitions}" for each in self._topics if each.partitions]
            if unread := [queue for queue in beyond if await depth(connection, queue) is not None]:
                raise Unfit(
                    f"no consumer reads {', '.join(unread)}: rabbitmq.partitions is lower than when they were declared",
                    "set rabbitmq.partitions to the number of queues, or empty, unbind and delete the others",
                )
            if stuck := await depth(connection, self._undeliverable):
                raise Unfit(
                    f"{stuck} messages in {self._undeliverable}: their consumers were lost each time, or away too long",
                    "find the cause in the logs, then shovel the messages back to their exchange",
                )
        return f"{len(wanted)} queues as configured"


async def depth(connection: AbstractConnection, queue: str) -> int | None:
    """Return how many messages wait in a queue, None if it does not exist."""
    channel = await connection.channel()
    try:
        found = await channel.queue_declare(queue, passive=True)
    except ChannelNotFoundEntity:
        return None
    await channel.close()
    return found.message_count or 0
