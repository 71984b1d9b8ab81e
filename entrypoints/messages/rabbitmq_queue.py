"""Reads one queue, and acknowledges its messages."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b

import structlog
from aiormq.abc import AbstractChannel, AbstractConnection, DeliveredMessage
from aiormq.exceptions import AMQPError, ChannelInvalidStateError

from core.messaging.message import Message
from entrypoints.messages.envelope import read_message
from entrypoints.messages.partition import MAX_MESSAGES_PER_BATCH, Source

log = structlog.get_logger()
OPEN_TIMEOUT_SECONDS, ACKNOWLEDGE_TIMEOUT_SECONDS, WAIT_SECONDS = 5.0, 3.0, 1.0
ATTRIBUTE_PREFIXES = ("cloudevents:", "cloudevents_")
"""Of the AMQP binding of CloudEvents; `ce_`, the prefix of other bindings, is understood, too."""


class QueueSource(Source):
    """A partition: of all processes that consume its queue, the broker delivers to one.

    A lost channel is opened again.  No priority of consumers: RabbitMQ 4.3 that is killed while a queue goes over to a
    consumer of a higher priority gives its messages to one that is gone, for ever.
    """

    def __init__(self, connection: AbstractConnection, queue: str, number: int, context: str) -> None:
        self._connection, self._number, self._context = connection, number, context
        self.topic, self.name = queue.rpartition(".")[0], queue
        self._channel: AbstractChannel | None = None
        self._cancelled = False
        self._delivered = asyncio.Queue[DeliveredMessage]()

    async def next(self) -> tuple[Sequence[Message], int]:
        if self._channel is None or self._channel.is_closed or self._cancelled:
            async with asyncio.timeout(OPEN_TIMEOUT_SECONDS):
                await self._open()
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                found = [await self._delivered.get()]
        except TimeoutError:
            return [], 0
        while len(found) < MAX_MESSAGES_PER_BATCH and not self._delivered.empty():
            found.append(self._delivered.get_nowait())
        return [self._read(each) for each in found], found[-1].delivery_tag or 0

    async def acknowledge(self, position: int) -> None:
        try:
            async with asyncio.timeout(ACKNOWLEDGE_TIMEOUT_SECONDS):
                if self._channel:
                    await self._channel.basic_ack(position, multiple=True)
        except (AMQPError, ChannelInvalidStateError, OSError, TimeoutError) as error:
            log.warning("acknowledgement_failed", partition=self.name, error=error)

    async def _open(self) -> None:
        """Consume on a new channel; what an earlier one had delivered comes again."""
        if self._channel and not self._channel.is_closed:
            await self._channel.close()
        delivered = self._delivered = asyncio.Queue[DeliveredMessage]()
        channel = self._channel = await self._connection.channel(publisher_confirms=False)
        self._cancelled = False
        channel.on_consumer_cancel_callbacks.add(self._cancel)
        await channel.basic_qos(prefetch_count=2 * MAX_MESSAGES_PER_BATCH)
        await channel.basic_consume(self.name, delivered.put)

    def _cancel(self, _frame: object) -> None:
        """Note that the broker has ended the consumer, as when its queue moves to another node."""
        self._cancelled = True

    def _read(self, delivered: DeliveredMessage) -> Message:
        """Decode a message; one without an id that can be used is identified by its content."""
        properties = delivered.header.properties
        headers = [(canonical(name), as_bytes(value)) for name, value in (properties.headers or {}).items()]
        if properties.content_type:
            headers.append(("content-type", properties.content_type.encode()))
        place = {"topic": self.topic, "partition": str(self._number)}
        content = blake2b(repr(sorted(headers)).encode() + delivered.body, digest_size=32).hexdigest()
        return read_message(self._context, headers, delivered.body, place, f"{self.topic}/{content}", datetime.now(UTC))


def canonical(name: str) -> str:
    """Return the name of a header with the prefix `ce_` in the place of the binding's own."""
    prefix = next((each for each in ATTRIBUTE_PREFIXES if name.lower().startswith(each)), None)
    return f"ce_{name[len(prefix) :]}" if prefix else name


def as_bytes(value: object) -> bytes:
    """Return the text of a value of AMQP's types."""
    return bytes(value) if isinstance(value, bytes | bytearray) else str(value).encode(errors="surrogateescape")
