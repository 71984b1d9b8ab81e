"""Tell beforehand which dead letters something would be done to."""

from dataclasses import dataclass, replace

from core.shared.clock import Clock
from core.shared.dead_letters import Criteria, DeadLetter, DeadLetterOffice, LetterGroup

SOME = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """How many dead letters there are of some kind, and which."""

    count: int
    groups: tuple[LetterGroup, ...]
    first: tuple[DeadLetter, ...]
    """The oldest few."""
    which: Criteria
    """What was looked for; nothing that is buried from now on is among them."""


@dataclass(frozen=True, slots=True)
class SurveyDeadLetters:
    """Count dead letters, and show the first few; nothing is changed."""

    office: DeadLetterOffice
    clock: Clock

    async def __call__(self, which: Criteria) -> Survey:
        """Return what there is to be settled at this moment."""
        which = until_now(which, self.clock)
        groups = tuple(await self.office.count(which))
        first = tuple(await self.office.oldest(which, None, SOME))
        return Survey(count=sum(group.count for group in groups), groups=groups, first=first, which=which)


def until_now(which: Criteria, clock: Clock) -> Criteria:
    """Leave out what is buried from now on."""
    since = which.buried.since
    return replace(which, buried=replace(which.buried, until=max(since, min(which.buried.until, clock.now()))))
