"""Take messages in, each once: the inbox, the effect and the dead letter are one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby

import msgspec
import structlog

from core.kernel.clock import Clock
from core.kernel.errors import Conflict, CoreError, Invalid, Unavailable
from core.kernel.errors import reason as error_name
from core.kernel.ids import Ids
from core.kernel.trace import tracing
from core.messaging.inbox import Inbox, MessageBuried, NewInbox
from core.messaging.message import Message
from entrypoints.messages.route import NewWork, Route, RouteKey

log = structlog.get_logger()
MAX_BURIED_PAYLOAD_BYTES = 64 * 1024
"""Bytes of a buried message that travel on; the table has all of it."""
SUPPORTED_DATA_VERSION = 1
"""The version of every message, as `ce_dataversion` tells it."""


class UnknownMessage(Invalid):
    """Nobody here understands a message of this type."""

    problem = "unknown-message"


class UnknownVersion(Invalid):
    """A message is written in another version than the one we understand."""

    problem = "unknown-version"


@dataclass(frozen=True, slots=True)
class Consumer:
    """Drive use cases with messages."""

    new_inbox: NewInbox
    routes: Mapping[RouteKey, Route]
    clock: Clock
    ids: Ids

    max_per_transaction: Mapping[RouteKey, int] = field(default_factory=dict)
    """How many messages of a kind one transaction takes, where others wait for what they hold."""

    async def __call__(self, messages: Sequence[Message]) -> None:
        """Return when these messages have taken effect; raise `Unavailable` when they must come again."""
        for part in split_by_load(messages, self.max_per_transaction):
            await self._take_bisecting(part)

    async def _take_bisecting(self, messages: Sequence[Message]) -> None:
        """Let messages take effect in one transaction; when they cannot, whatever the reason, half after half."""
        try:
            await self._apply(messages)
        except Unavailable:
            raise
        except Exception as error:
            if len(messages) == 1:
                await self._refuse_or_bury(messages[0], error)
            else:
                middle = len(messages) // 2
                await self._take_bisecting(messages[:middle])
                await self._take_bisecting(messages[middle:])

    async def _apply(self, messages: Sequence[Message]) -> None:
        async with self.new_inbox() as inbox:
            for route, run in groupby(await inbox.deduplicate(*messages), self._route):
                await route(list(run), inbox.new_work)
            await inbox.commit()

    async def _refuse_or_bury(self, message: Message, error: Exception) -> None:
        """Remember a message that has no effect, so that it does not come again."""
        with tracing(message.trace):
            async with self.new_inbox() as inbox:
                if await inbox.deduplicate(message):
                    if isinstance(error, Conflict):
                        log.info("message_refused", type=message.type, id=str(message.id), reason=repr(error))
                    else:
                        await self._bury(message, error, inbox)
                    await inbox.commit()

    def _route(self, message: Message) -> Route:
        return route_of(message, self.routes)

    async def _bury(self, message: Message, reason: Exception, inbox: Inbox) -> None:
        # A defect of ours must not stop the partition: the letter is kept, and can be replayed when it is mended.
        ours = not isinstance(reason, CoreError | msgspec.MsgspecError)
        told = {"type": message.type, "id": str(message.id), "reason": repr(reason), **message.origin}
        log.warning("message_buried", **told, exc_info=reason if ours else None)
        await inbox.bury(message, reason)
        async with inbox.new_work() as work:
            work.record(
                MessageBuried(
                    at=self.clock.now(),
                    subject=self.ids.new(),
                    version=1,
                    message=message.id,
                    buried_in=message.context.partition(".")[0],
                    type=message.type,
                    reason=error_name(reason),
                    detail=str(reason),
                    origin=message.origin,
                    payload=message.body[:MAX_BURIED_PAYLOAD_BYTES],
                )
            )
            await work.commit()


def split_by_load(
    messages: Sequence[Message], max_per_transaction: Mapping[RouteKey, int]
) -> Iterator[Sequence[Message]]:
    """Cut a batch where a transaction has enough to do; of kinds that have no limit it takes any number."""
    part, busy = list[Message](), Fraction(0)
    for message in messages:
        limit = max_per_transaction.get((message.context, message.type))
        share = Fraction(1, limit) if limit else Fraction(0)
        if part and busy + share > 1:
            yield part
            part, busy = [], Fraction(0)
        part.append(message)
        busy += share
    yield part


def route_of(message: Message, table: Mapping[RouteKey, Route]) -> Route:
    """Return where a message goes; what nobody here understands goes where it is refused."""
    route = table.get((message.context, message.type), reject_unknown_type)
    return route if message.data_version == SUPPORTED_DATA_VERSION else reject_unknown_version


async def reject_unknown_type(messages: Sequence[Message], _new_work: NewWork) -> None:
    """Refuse messages that have no route."""
    what = f"{messages[0].type[:80]!r} from {messages[0].context}"
    raise UnknownMessage(f"nobody here understands {what}")


async def reject_unknown_version(messages: Sequence[Message], _new_work: NewWork) -> None:
    """Refuse messages whose fields may mean something else than they do today."""
    which = f"version {messages[0].data_version or '?'} of {messages[0].type[:80]!r}"
    raise UnknownVersion(
        f"this is {which}, and we understand {SUPPORTED_DATA_VERSION}: upgrade, then replay the dead letter"
    )
