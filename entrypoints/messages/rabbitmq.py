"""Consumes RabbitMQ: a message is acknowledged after its effect is stored."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import structlog
from aiormq.abc import AbstractConnection
from aiormq.exceptions import AMQPError, ChannelInvalidStateError

from core.kernel.errors import Unavailable
from core.messaging.message import MessageBatchHandler
from entrypoints.messages.partition import Partition, in_slots, release, wait
from entrypoints.messages.rabbitmq_queue import QueueSource
from entrypoints.messages.sessions import keep_connected

log = structlog.get_logger()
STOP_TIMEOUT_SECONDS = 2.0
FAILURES = (AMQPError, ChannelInvalidStateError, Unavailable)


class RabbitMQTransport:
    """Delivers messages to a consumer at least once; its inbox drops repetitions."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[AbstractConnection]],
        broker: str,
        queues: Mapping[str, Sequence[str]],
        handle_batch: MessageBatchHandler,
    ) -> None:
        """Consume the queues of each context; `broker` names the server in the log."""
        self._connect, self._broker, self._queues = connect, broker, queues
        self._handle_batch = in_slots(handle_batch)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; batches in flight are finished first."""
        await keep_connected(self._session, FAILURES, self._broker, stop)

    async def _session(self, stop: asyncio.Event) -> None:
        connection = await self._connect()
        partitions = list(self._partitions(connection))
        log.info("consuming", topics=sorted(self._queues))
        try:
            while not (stop.is_set() or connection.is_closed or any(each.task.done() for each in partitions)):
                await wait(stop, 0.2)
            if not stop.is_set():
                raise ConnectionError("the connection was lost")
        finally:
            await release(partitions)
            with suppress(*FAILURES, OSError, TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
                    await connection.close()

    def _partitions(self, connection: AbstractConnection) -> Iterable[Partition]:
        for context, queues in self._queues.items():
            for number, queue in enumerate(queues):
                yield Partition(QueueSource(connection, queue, number, context), self._handle_batch)
