"""Do to many dead letters what is done to one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from core.kernel.clock import Clock
from core.kernel.errors import CoreError, Unavailable
from core.kernel.pace import Pace
from core.messaging.dead_letters import DeadLetterFilter, DeadLetterList
from core.messaging.preview_dead_letters import excluding_future

DEAD_LETTERS_PER_PAGE = 200
Settle = Callable[[UUID], Awaitable[None]]
OnSettled = Callable[[UUID, CoreError | None], None]
"""Hears of each letter, and why it was not settled if it was not."""


@dataclass(frozen=True, slots=True)
class SettleDeadLetters:
    """Replay or drop every dead letter of some kind, the oldest first, each in a transaction of its own."""

    office: DeadLetterList
    clock: Clock

    async def __call__(self, which: DeadLetterFilter, settle: Settle, pace: Pace, on_settled: OnSettled) -> None:
        """Return when each has been tried once, or we are to stop; what fails does not hold up the others."""
        which, last = excluding_future(which, self.clock), None
        while letters := await self.office.oldest(which, last, DEAD_LETTERS_PER_PAGE):
            for letter in letters:
                if not await pace.acquire():
                    return
                on_settled(letter.id, await try_settle(settle, letter.id))
            last = letters[-1].id


async def try_settle(settle: Settle, letter: UUID) -> CoreError | None:
    """Settle a letter, and return why it cannot be settled if it cannot."""
    try:
        await settle(letter)
    except Unavailable:
        raise
    except CoreError as error:
        return error
    return None
