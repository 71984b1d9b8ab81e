"""Replay or drop many dead letters."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.decisions import Decision
from core.kernel.errors import CoreError, Unavailable
from core.kernel.pace import Pace
from core.messaging.dead_letters import DeadLetterList, LetterAlreadySettled
from core.messaging.preview_dead_letters import DeadLetterPreview

DEAD_LETTERS_PER_PAGE = 200
Settle = Callable[[UUID, Decision], Awaitable[None]]
"""Replays or drops one dead letter."""


@dataclass(slots=True)
class SettlementProgress:
    """What has become of the dead letters that were tried so far."""

    settled: int = 0
    settled_by_others: int = 0
    """Dead letters that another process settled after the preview."""
    failed: int = 0

    def note(self, error: CoreError | None) -> None:
        """Count one more dead letter, which was settled or failed with `error`."""
        if error is None:
            self.settled += 1
        elif isinstance(error, LetterAlreadySettled):
            self.settled_by_others += 1
        else:
            self.failed += 1


OnSettled = Callable[[SettlementProgress, UUID, CoreError | None], None]
"""Is called after each dead letter, with the error that prevented its settlement, if there was one."""


@requires(Permission.DEAD_LETTERS_REPLAY)
@dataclass(frozen=True, slots=True)
class SettleDeadLetters:
    """Replay or drop every dead letter of a preview, the oldest first, each in a transaction of its own."""

    dead_letters: DeadLetterList

    async def __call__(
        self, preview: DeadLetterPreview, settle: Settle, decision: Decision, pace: Pace, on_settled: OnSettled
    ) -> SettlementProgress:
        """Return when each was tried once, or when `pace` stops; a failure does not stop the others.

        Raises `Unavailable` at the first dead letter that meets it; `on_settled` has reported those before.
        """
        progress, last = SettlementProgress(), None
        while page := await self.dead_letters.oldest(preview.which, last, DEAD_LETTERS_PER_PAGE):
            for dead_letter in page:
                if not await pace.acquire():
                    return progress
                error = await try_settle(settle, dead_letter.id, decision)
                progress.note(error)
                on_settled(progress, dead_letter.id, error)
            last = page[-1].id
        return progress


async def try_settle(settle: Settle, dead_letter: UUID, decision: Decision) -> CoreError | None:
    """Settle a dead letter, and return the error that prevents it; raise `Unavailable`."""
    try:
        await settle(dead_letter, decision)
    except Unavailable:
        raise
    except CoreError as error:
        return error
    return None
