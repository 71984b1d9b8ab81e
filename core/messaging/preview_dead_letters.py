"""Tell beforehand which dead letters something would be done to."""

from dataclasses import dataclass, replace

from core.kernel.clock import Clock
from core.messaging.dead_letters import DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterList

MAX_PREVIEWED_DEAD_LETTERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterPreview:
    """How many dead letters there are of some kind, and which."""

    count: int
    groups: tuple[DeadLetterGroup, ...]
    first: tuple[DeadLetter, ...]
    """The oldest few."""
    which: DeadLetterFilter
    """What was looked for; nothing that is buried from now on is among them."""


@dataclass(frozen=True, slots=True)
class PreviewDeadLetters:
    """Count dead letters, and show the first few; nothing is changed."""

    office: DeadLetterList
    clock: Clock

    async def __call__(self, which: DeadLetterFilter) -> DeadLetterPreview:
        """Return what there is to be settled at this moment."""
        which = excluding_future(which, self.clock)
        groups = tuple(await self.office.count(which))
        first = tuple(await self.office.oldest(which, None, MAX_PREVIEWED_DEAD_LETTERS))
        return DeadLetterPreview(count=sum(group.count for group in groups), groups=groups, first=first, which=which)


def excluding_future(which: DeadLetterFilter, clock: Clock) -> DeadLetterFilter:
    """Leave out what is buried from now on."""
    since = which.buried.since
    return replace(which, buried=replace(which.buried, until=max(since, min(which.buried.until, clock.now()))))
