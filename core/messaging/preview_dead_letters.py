"""Count the dead letters that a bulk replay or drop will settle."""

from dataclasses import dataclass, replace

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.messaging.dead_letters import DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterList

MAX_PREVIEWED_DEAD_LETTERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterPreview:
    """The dead letters that match a filter at one moment."""

    count: int
    groups: tuple[DeadLetterGroup, ...]
    first: tuple[DeadLetter, ...]
    """The oldest `MAX_PREVIEWED_DEAD_LETTERS`."""
    which: DeadLetterFilter
    """The filter, without dead letters that are buried after that moment."""


@requires(Permission.DEAD_LETTERS_READ)
@dataclass(frozen=True, slots=True)
class PreviewDeadLetters:
    """Count dead letters and show the oldest; nothing changes."""

    dead_letters: DeadLetterList
    clock: Clock

    async def __call__(self, which: DeadLetterFilter) -> DeadLetterPreview:
        """Return what `SettleDeadLetters` takes."""
        which = excluding_future(which, self.clock)
        groups = tuple(await self.dead_letters.count(which))
        first = tuple(await self.dead_letters.oldest(which, None, MAX_PREVIEWED_DEAD_LETTERS))
        return DeadLetterPreview(count=sum(group.count for group in groups), groups=groups, first=first, which=which)


def excluding_future(which: DeadLetterFilter, clock: Clock) -> DeadLetterFilter:
    """Return the filter without dead letters that are buried from now on."""
    since = which.buried.since
    return replace(which, buried=replace(which.buried, until=max(since, min(which.buried.until, clock.now()))))
