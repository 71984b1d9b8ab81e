"""Publishes events to Kafka as CloudEvents in binary mode."""

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, UnknownTopicOrPartitionError

from adapters.cloud_events import attributes_of
from core.kernel.errors import Unavailable
from core.messaging.message import Message, Publisher, topic_of

SEND_TIMEOUT_SECONDS = 6.0
"""A send of an idempotent producer never ends by itself while the broker is down."""
CLOSE_TIMEOUT_SECONDS = 1.0
MAX_BATCH_BYTES = 256 * 1024
"""Fits the events of one outbox query, and is far below the limit of brokers."""


class KafkaPublisher(Publisher):
    """Publishes events keyed by aggregate, which keeps the events of an aggregate in order."""

    def __init__(self, connection: Mapping[str, Any], topic_prefix: str) -> None:
        self._connection, self._prefix = connection, topic_prefix
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, messages: Sequence[Message]) -> Sequence[Exception | None]:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                results = await self._send(messages, enable_idempotence=True, max_batch_size=MAX_BATCH_BYTES)
                if failed := [place for place, failure in enumerate(results) if failure is not None]:
                    again = await self._send_alone([messages[place] for place in failed])
                    for place, failure in zip(failed, again, strict=True):
                        results[place] = failure
                return results
        except (TimeoutError, KafkaError, OSError) as error:
            await self._discard_producer()
            raise Unavailable(
                f"Kafka at {self._connection['bootstrap_servers']} does not accept events: {error!r}"
            ) from error

    async def close(self) -> None:
        """Close the connection."""
        if self._producer is not None:
            with suppress(TimeoutError, KafkaError, OSError):
                async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                    await self._producer.stop()
            await self._discard_producer()

    async def _send(self, messages: Sequence[Message], **settings: object) -> list[Exception | None]:
        """Send messages; return an error for each, None for an acknowledged one."""
        if self._producer is None:
            self._producer = AIOKafkaProducer(**self._connection, acks="all", linger_ms=0, **settings)
            await self._producer.start()
        missing = await self._missing(self._producer, {self._topic(message) for message in messages})
        sent: list[Awaitable[object]] = []
        for message in messages:
            if (topic := self._topic(message)) in missing:
                sent.append(failed_future(UnknownTopicOrPartitionError(f"{topic}: create it with `bursar topics`")))
                continue
            try:
                sent.append(await self._producer.send(**self._record(message)))
            except MessageSizeTooLargeError as error:
                sent.append(failed_future(error))
        return [as_failure(result) for result in await asyncio.gather(*sent, return_exceptions=True)]

    async def _missing(self, producer: AIOKafkaProducer, topics: Iterable[str]) -> Collection[str]:
        """Return the topics that do not exist; a send to one would block, and delay the other events."""
        client = producer.client
        missing = set()
        for topic in topics:
            client.add_topic(topic)
            known = client.cluster.partitions_for_topic
            if known(topic) is None and await client.force_metadata_update() and known(topic) is None:
                missing.add(topic)
        return missing

    async def _send_alone(self, messages: Sequence[Message]) -> list[Exception | None]:
        """Send each message in its own batch: the broker refuses a batch without naming the bad message.

        Not idempotent: after a refused batch, the sequence numbers of an idempotent producer stay wrong.
        """
        await self._discard_producer()
        try:
            return await self._send(messages, enable_idempotence=False, max_batch_size=1)
        finally:
            await self._discard_producer()

    async def _discard_producer(self) -> None:
        """Drop the producer with its buffers: `stop` would send the buffered messages when the broker returns."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer._closed = True  # noqa: SLF001 - prevents the warning about an unclosed producer
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                    await producer.client.close()
            sending = producer._sender.sender_task  # noqa: SLF001 - no public method ends it without the broker
            while sending and not sending.done():
                sending.cancel()  # the first cancel only starts a wait for in-flight requests
                await asyncio.sleep(0)

    def _topic(self, message: Message) -> str:
        return self._prefix + topic_of(message.context)

    def _record(self, message: Message) -> dict[str, object]:
        return {
            "topic": self._topic(message),
            "key": str(message.subject).encode(),
            "value": message.body,
            "headers": [(name, value.encode()) for name, value in cloudevent_headers(message).items()],
        }


def as_failure(result: object) -> Exception | None:
    """Return why a send failed, None for success; a cancelled send failed."""
    if isinstance(result, Exception):
        return result
    return Unavailable("the send was cancelled") if isinstance(result, BaseException) else None


def failed_future(error: Exception) -> Awaitable[object]:
    """Return a future that raises the error, for a message that cannot be sent."""
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    return future


def cloudevent_headers(message: Message) -> dict[str, str]:
    """Return the attributes of a CloudEvent, version 1.0, as headers of Kafka's binary mode."""
    attributes = {f"ce_{name}": text for name, text in attributes_of(message).items()}
    return attributes | {"traceparent": message.trace.traceparent, "content-type": "application/json"}
