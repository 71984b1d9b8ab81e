"""Take messages in, each once: the inbox, the effect and the dead letter are one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from core.shared.clock import Clock
from core.shared.errors import Conflict, CoreError, Invalid, Unavailable
from core.shared.ids import Ids
from core.shared.inbox import Inbox, MessageBuried, NewInbox
from core.shared.messages import Message
from core.shared.trace import current_trace
from entrypoints.consumer.routes import Kind, Route

log = structlog.get_logger()
LARGEST_PAYLOAD = 64 * 1024
"""Bytes of a buried message that travel on; the table has all of it."""


class UnknownMessage(Invalid):
    """Nobody here understands a message of this type."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """Drive use cases with messages."""

    new_inbox: NewInbox
    routes: Mapping[Kind, Route]
    clock: Clock
    ids: Ids

    async def __call__(self, messages: Sequence[Message]) -> None:
        """Return when these messages have taken effect; raise `Unavailable` when they must come again."""
        async with self.new_inbox() as inbox:
            for message in messages:
                if await inbox.accept(message):
                    await self._take(message, inbox)
            await inbox.commit()

    async def _take(self, message: Message, inbox: Inbox) -> None:
        trace = current_trace.set(message.trace)
        try:
            await self._route(message)(message, inbox.new_work)
        except Unavailable:
            raise
        except Conflict as refusal:
            log.info("message_refused", type=message.type, id=str(message.id), reason=repr(refusal))
        except (CoreError, msgspec.MsgspecError) as error:
            await self._bury(message, error, inbox)
        except Exception as error:
            # A defect of ours must not stop the partition: the letter is kept, and can be replayed when it is mended.
            log.exception("message_failed", type=message.type, id=str(message.id))
            await self._bury(message, error, inbox)
        finally:
            current_trace.reset(trace)

    def _route(self, message: Message) -> Route:
        try:
            return self.routes[message.context, message.type]
        except KeyError:
            what = f"{message.type[:80]!r} from {message.context}"
            raise UnknownMessage(f"nobody here understands {what}") from None

    async def _bury(self, message: Message, reason: Exception, inbox: Inbox) -> None:
        log.warning("message_buried", type=message.type, id=str(message.id), reason=repr(reason), **message.origin)
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
                    reason=type(reason).__name__,
                    detail=str(reason),
                    origin=message.origin,
                    payload=message.body[:LARGEST_PAYLOAD],
                )
            )
            await work.commit()
