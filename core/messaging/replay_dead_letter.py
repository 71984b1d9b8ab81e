"""Give a message that could not be understood another chance."""

from dataclasses import dataclass
from uuid import UUID

from core.kernel.decisions import Decision
from core.kernel.errors import Unavailable, reason
from core.messaging.dead_letters import (
    DeadLetterState,
    LetterAlreadySettled,
    LetterStillBuried,
    NotUnderstoodHere,
    UnknownDeadLetter,
)
from core.messaging.inbox import NewInbox, Take


@dataclass(frozen=True, slots=True)
class ReplayDeadLetter:
    """Let a dead letter take effect as it would have: the same id, arrival, trace and body.

    It does not travel again: others have seen it, and it would arrive anew, after its deadline perhaps.
    """

    new_inbox: NewInbox

    async def __call__(self, take: Take, letter: UUID, decision: Decision) -> None:
        """Return once it has taken effect.

        Raises `UnknownDeadLetter`, `LetterAlreadySettled`, `NotUnderstoodHere` and `Unavailable`, which change
        nothing, or `LetterStillBuried`, with the new reason written down.
        """
        try:
            async with self.new_inbox() as inbox:
                message = await inbox.dead_letters.settle(letter, DeadLetterState.REPLAYED, decision)
                await take(message, inbox.new_work)
                await inbox.commit()
        except (UnknownDeadLetter, LetterAlreadySettled, NotUnderstoodHere, Unavailable):
            raise
        except Exception as failure:
            async with self.new_inbox() as inbox:
                await inbox.dead_letters.record_failed_replay(letter, failure, decision)
                await inbox.commit()
            raise LetterStillBuried(f"it failed again: {reason(failure)}: {failure}") from failure
