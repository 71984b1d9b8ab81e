"""List dead letters."""

from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.messaging.dead_letters import DeadLetter, DeadLetterFilter, DeadLetterList


@dataclass(frozen=True, slots=True)
class DeadLetterPage:
    """Dead dead letters, the latest first."""

    items: tuple[DeadLetter, ...]
    next: UUID | None
    """The `after` of the next page; None at the end."""


@requires(Permission.DEAD_LETTERS_READ)
@dataclass(frozen=True, slots=True)
class ListDeadLetters:
    """List dead letters a page at a time."""

    dead_letters: DeadLetterList

    async def __call__(self, which: DeadLetterFilter, after: UUID | None, limit: int) -> DeadLetterPage:
        """Return up to `limit` dead letters; raise `UnknownDeadLetter` if `after` is unknown."""
        found = await self.dead_letters.newest(which, after, limit + 1)
        return DeadLetterPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)
