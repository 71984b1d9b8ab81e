"""The broker within one process, for deployments without Kafka."""

from collections.abc import Sequence

from core.kernel.errors import Unavailable
from core.messaging.message import Message, MessageBatchHandler, MessageSource, Publisher


class EmbeddedBroker(Publisher, MessageSource):
    """Passes events to the subscriber of this process.

    A message is published once its handler has committed; until then it stays in the outbox, so that a
    restart loses nothing.
    """

    def __init__(self) -> None:
        self._handle_batch: MessageBatchHandler | None = None

    def subscribe(self, handle_batch: MessageBatchHandler) -> None:
        self._handle_batch = handle_batch

    async def publish(self, messages: Sequence[Message]) -> Sequence[Exception | None]:
        if self._handle_batch is None:
            raise Unavailable("no consumer runs in this process: add `consumer` to `serve`")
        await self._handle_batch(messages)
        return [None] * len(messages)
