"""Drop a dead letter."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.decisions import Decision
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.messaging.dead_letters import DeadLetterState, settled
from core.messaging.inbox import NewInbox


@requires(Permission.DEAD_LETTERS_REPLAY)
@dataclass(frozen=True, slots=True)
class DropDeadLetter:
    """Mark a dead letter as dropped, so that it is never replayed; its row is kept."""

    ACTION: ClassVar = "drop-dead-letter"

    new_inbox: NewInbox
    new_work: NewUnitOfWork[UnitOfWork]

    async def __call__(self, letter: UUID, decision: Decision) -> None:
        """Raise `UnknownDeadLetter` or `LetterAlreadySettled`."""
        async with self.new_inbox() as inbox:
            await inbox.dead_letters.settle(letter, DeadLetterState.DROPPED, decision)
            async with self.new_work(within=inbox) as work:
                work.audit(settled(self.ACTION, letter, decision))
                await work.commit()
            await inbox.commit()
