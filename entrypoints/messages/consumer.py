"""The consumer: inbox, effect and dead letter of a message are one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from uuid import uuid5

import msgspec
import structlog
from prometheus_client import Counter, Histogram

from core.kernel.authorization import SYSTEM, acting_as
from core.kernel.batching import isolate_failures
from core.kernel.errors import CoreError, error_name
from core.kernel.trace import tracing
from core.messaging.inbox import IdReused, Inbox, NewInbox
from core.messaging.message import Message
from core.messaging.routing import RouteKey, Routes
from core.use_cases import UseCases

log = structlog.get_logger()
REPEATED = Counter("bursar_messages_repeated", "Messages that were delivered again, and had no second effect")
BURIED = Counter("bursar_messages_buried", "Messages that became dead letters", ["reason"])
BATCH_MESSAGES = Histogram(
    "bursar_consumer_batch_messages", "Messages of one transaction of a consumer", buckets=[1, 5, 20, 50, 100, 200]
)
LOGGED_ORIGIN = {"topic", "partition", "offset"}
"""The headers of a record can contain anything; the dead letter has them, and the words of the error."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """Routes messages to use cases, each transaction through the inbox."""

    new_inbox: NewInbox
    routes: Routes
    use_cases: UseCases

    async def __call__(self, messages: Sequence[Message]) -> None:
        """Process messages; raise `Unavailable` when they must be delivered again."""
        for part in split_by_load(messages, self.routes.max_per_transaction):
            await isolate_failures(part, self._process, self._bury_alone)

    async def _process(self, messages: Sequence[Message]) -> None:
        """Process messages in one transaction."""
        async with self.new_inbox() as inbox:
            use_cases = self.use_cases.within(inbox)
            new = await inbox.deduplicate(*messages)
            for _, run in groupby(new, lambda each: (each.context, self.routes.route(each))):
                await self.routes.process(list(run), use_cases)
            await inbox.commit()
        REPEATED.inc(len(messages) - len(new))
        BATCH_MESSAGES.observe(len(messages))

    async def _bury_alone(self, message: Message, error: Exception) -> None:
        """Make a message a dead letter, and record it in the inbox, so that it is not delivered again."""
        if isinstance(error, IdReused):  # the inbox row and the dead letter of its id belong to the other message
            message = replace(message, id=uuid5(message.id, message.fingerprint.hex()))
        with tracing(message.trace), acting_as(SYSTEM):
            async with self.new_inbox() as inbox:
                if not await inbox.deduplicate(message):
                    return
                await self._bury(message, error, inbox)
                await inbox.commit()
        BURIED.labels(error_name(error)).inc()

    async def _bury(self, message: Message, error: Exception, inbox: Inbox) -> None:
        # A programming error must not stop the partition: the dead letter can be replayed after the fix.
        defect = not isinstance(error, CoreError | msgspec.MsgspecError)
        place = {name: message.origin[name] for name in LOGGED_ORIGIN & message.origin.keys()}
        facts = {"type": message.type, "id": str(message.id), "reason": error_name(error), **place}
        log.warning("message_buried", **facts, exc_info=error if defect else None)
        await self.use_cases.messaging.bury_message(message, error, inbox)


def split_by_load(messages: Sequence[Message], limits: Mapping[RouteKey, int]) -> Iterator[Sequence[Message]]:
    """Split a batch at the limits per transaction; messages without a limit do not count."""
    part, load = list[Message](), Fraction(0)
    for message in messages:
        limit = limits.get((message.context, message.type))
        share = Fraction(1, limit) if limit else Fraction(0)
        if part and load + share > 1:
            yield part
            part, load = [], Fraction(0)
        part.append(message)
        load += share
    yield part
