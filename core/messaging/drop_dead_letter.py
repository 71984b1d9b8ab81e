"""Drop a dead letter."""

from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.decisions import Decision
from core.messaging.dead_letters import DeadLetterState
from core.messaging.inbox import NewInbox


@requires(Permission.DEAD_LETTERS_REPLAY)
@dataclass(frozen=True, slots=True)
class DropDeadLetter:
    """Mark a dead letter as dropped, so that it is never replayed; its row is kept."""

    new_inbox: NewInbox

    async def __call__(self, letter: UUID, decision: Decision) -> None:
        """Raise `UnknownDeadLetter` or `LetterAlreadySettled`."""
        async with self.new_inbox() as inbox:
            await inbox.dead_letters.settle(letter, DeadLetterState.DROPPED, decision)
            await inbox.commit()
