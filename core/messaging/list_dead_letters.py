"""Look through the dead letters."""

from dataclasses import dataclass
from uuid import UUID

from core.messaging.dead_letters import DeadLetter, DeadLetterFilter, DeadLetterList


@dataclass(frozen=True, slots=True)
class DeadLetterPage:
    """Some dead letters, the latest first."""

    items: tuple[DeadLetter, ...]
    next: UUID | None
    """Ask for what comes after this one; None at the end."""


@dataclass(frozen=True, slots=True)
class ListDeadLetters:
    """List dead letters a page at a time."""

    office: DeadLetterList

    async def __call__(self, which: DeadLetterFilter, after: UUID | None, limit: int) -> DeadLetterPage:
        """Return up to `limit` letters, the latest first; raise `UnknownDeadLetter` if there is no `after`."""
        found = await self.office.newest(which, after, limit + 1)
        return DeadLetterPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)
