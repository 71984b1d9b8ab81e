"""Bury a message: store it as a dead letter and announce it."""

from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.errors import error_name
from core.kernel.ids import Ids
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.messaging.dead_letters import MAX_TYPE_LENGTH, detail_of
from core.messaging.inbox import Inbox, MessageBuried
from core.messaging.message import Message

MAX_BURIED_PAYLOAD_BYTES = 64 * 1024
"""The part of a body that the event carries; the table of dead letters has the whole body."""


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class BuryMessage:
    """Store a message that cannot be processed as a dead letter, and announce it."""

    new_work: NewUnitOfWork[UnitOfWork]
    clock: Clock
    ids: Ids

    async def __call__(self, message: Message, error: Exception, inbox: Inbox) -> None:
        """Store the dead letter and its event in the transaction of the inbox."""
        await inbox.bury(message, error)
        buried = MessageBuried(
            at=self.clock.now(),
            subject=self.ids.new(),
            version=1,
            message=message.id,
            buried_in=message.context.partition(".")[0],
            type=message.type[:MAX_TYPE_LENGTH],
            reason=error_name(error),
            detail=detail_of(error),
            origin=message.origin,
            payload=message.body[:MAX_BURIED_PAYLOAD_BYTES],
        )
        async with self.new_work(within=inbox) as work:
            work.record(buried)
            await work.commit()
