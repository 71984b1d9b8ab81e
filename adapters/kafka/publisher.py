"""Events to Kafka, as CloudEvents in binary mode."""

import asyncio
from collections.abc import Awaitable, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from core.shared.errors import Unavailable
from core.shared.messages import SOURCE, Message, Publisher, topic_of

PATIENCE = 6.0
"""With the broker down a send of an idempotent producer never ends by itself."""


class KafkaPublisher(Publisher):
    """Publish events keyed by aggregate, so that each one's events stay in order."""

    def __init__(self, bootstrap: str, topic_prefix: str) -> None:
        self._bootstrap, self._prefix = bootstrap, topic_prefix
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, messages: Sequence[Message]) -> Sequence[Exception | None]:
        try:
            async with asyncio.timeout(PATIENCE):
                producer = await self._started()
                sent = await self._send(producer, messages)
                results = await asyncio.gather(*sent, return_exceptions=True)
        except (TimeoutError, KafkaError, OSError) as error:
            await self.close()  # what is still in its buffers must not overtake what we send again
            raise Unavailable(f"Kafka at {self._bootstrap} does not take events: {error!r}") from error
        return [as_failure(result) for result in results]

    async def _send(self, producer: AIOKafkaProducer, messages: Sequence[Message]) -> list[Awaitable[object]]:
        """Put messages in the producer's buffers; one that does not fit fails alone."""
        sent: list[Awaitable[object]] = []
        for message in messages:
            try:
                sent.append(await producer.send(**self._record(message)))
            except MessageSizeTooLargeError as error:
                sent.append(failed(error))
        return sent

    async def close(self) -> None:
        """Let go of the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(1):
                    await producer.stop()
            except (TimeoutError, KafkaError, OSError):
                pass  # the broker is gone, and so is what we would have told it

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap, enable_idempotence=True, acks="all", linger_ms=0
            )
            self._producer = producer  # from here on `close` stops it, whatever happens
            await producer.start()
        return self._producer

    def _record(self, message: Message) -> dict[str, object]:
        return {
            "topic": self._prefix + topic_of(message.context),
            "key": str(message.subject).encode(),
            "value": message.body,
            "headers": [(name, value.encode()) for name, value in envelope(message).items()],
        }


def as_failure(result: object) -> Exception | None:
    """Return why a send failed; one that was cancelled is no success either."""
    if isinstance(result, Exception):
        return result
    return Unavailable("the send was given up") if isinstance(result, BaseException) else None


def failed(error: Exception) -> Awaitable[object]:
    """Return what a message comes to that cannot be sent."""
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    return future


def envelope(message: Message) -> dict[str, str]:
    """Return the attributes of a CloudEvent, version 1.0, as headers of Kafka's binary mode."""
    return {
        "ce_specversion": "1.0",
        "ce_id": str(message.id),
        "ce_type": message.type,
        "ce_source": SOURCE,
        "ce_time": message.at.isoformat().replace("+00:00", "Z"),
        "ce_subject": str(message.subject),
        "ce_dataversion": "1",
        "ce_sequence": str(message.version),
        "ce_requestid": message.trace.request_id,
        "traceparent": message.trace.traceparent,
        "content-type": "application/json",
    }
