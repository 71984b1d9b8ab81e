"""Do to many dead letters what is done to one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from core.shared.clock import Clock
from core.shared.dead_letters import Criteria, DeadLetterOffice
from core.shared.errors import CoreError, Unavailable
from core.shared.pace import Pace
from core.shared.survey_dead_letters import until_now

PAGE = 200
Settle = Callable[[UUID], Awaitable[None]]
Told = Callable[[UUID, CoreError | None], None]
"""Hears of each letter, and why it was not settled if it was not."""


@dataclass(frozen=True, slots=True)
class SettleDeadLetters:
    """Replay or drop every dead letter of some kind, the oldest first, each in a transaction of its own."""

    office: DeadLetterOffice
    clock: Clock

    async def __call__(self, which: Criteria, settle: Settle, pace: Pace, told: Told) -> None:
        """Return when each has been tried once, or we are to stop; what fails does not hold up the others."""
        which, last = until_now(which, self.clock), None
        while letters := await self.office.oldest(which, last, PAGE):
            for letter in letters:
                if not await pace.allows():
                    return
                told(letter.id, await refusal(settle, letter.id))
            last = letters[-1].id


async def refusal(settle: Settle, letter: UUID) -> CoreError | None:
    """Settle a letter, and return why it cannot be settled if it cannot."""
    try:
        await settle(letter)
    except Unavailable:
        raise
    except CoreError as error:
        return error
    return None
