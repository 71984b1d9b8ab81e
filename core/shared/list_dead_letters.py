"""Look through the dead letters."""

from dataclasses import dataclass
from uuid import UUID

from core.shared.dead_letters import Criteria, DeadLetter, DeadLetterOffice


@dataclass(frozen=True, slots=True)
class LettersPage:
    """Some dead letters, the latest first."""

    items: tuple[DeadLetter, ...]
    next: UUID | None
    """Ask for what comes after this one; None at the end."""


@dataclass(frozen=True, slots=True)
class ListDeadLetters:
    """List dead letters a page at a time."""

    office: DeadLetterOffice

    async def __call__(self, which: Criteria, after: UUID | None, limit: int) -> LettersPage:
        """Return up to `limit` letters, the latest first; raise `UnknownDeadLetter` if there is no `after`."""
        found = await self.office.newest(which, after, limit + 1)
        return LettersPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)
