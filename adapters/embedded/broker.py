"""The same events without a broker, in one process."""

from collections.abc import Sequence

from core.kernel.errors import Unavailable
from core.messaging.message import Deliver, Message, MessageSource, Publisher


class EmbeddedBroker(Publisher, MessageSource):
    """Hand events straight to the subscriber.

    A message counts as published when it has taken effect: until then it stays in the outbox, and a
    restart loses nothing.
    """

    def __init__(self) -> None:
        self._deliver: Deliver | None = None

    def subscribe(self, deliver: Deliver) -> None:
        self._deliver = deliver

    async def publish(self, messages: Sequence[Message]) -> Sequence[Exception | None]:
        if self._deliver is None:
            raise Unavailable("nobody consumes events in this process: is `consumer` missing in `serve`?")
        await self._deliver(messages)
        return [None] * len(messages)
