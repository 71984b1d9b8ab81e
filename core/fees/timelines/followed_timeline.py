"""A timeline as one reader follows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from core.fees.submission import SubmissionId
from core.fees.timelines.timeline_step import TimelineStep, UnknownTimelineStep


def nothing() -> None:
    """Do nothing."""


@dataclass(slots=True, eq=False)
class WatchedTimeline:
    """The steps of one exam fee that are known, shared by its followers."""

    submission: SubmissionId
    steps: Sequence[TimelineStep]
    followers: set["FollowedTimeline"] = field(default_factory=set)

    def extend(self, steps: Sequence[TimelineStep]) -> None:
        """Take the steps that were read, and wake the followers if there are more; a reading may be an older one."""
        if len(steps) > len(self.steps):
            self.steps = steps
            for each in self.followers:
                each.wake()


@dataclass(slots=True, eq=False)
class FollowedTimeline:
    """The place of one reader in a timeline; it keeps no steps, so a slow reader costs no memory."""

    watched: WatchedTimeline
    seen: int
    """How many steps the reader has."""
    subject: str
    """Who follows."""
    leave: Callable[["FollowedTimeline"], None]
    wake: Callable[[], None] = nothing
    """Called when there are more steps; a transport sets it."""

    def unseen(self) -> Sequence[TimelineStep]:
        """Return the steps that the reader does not have yet; from now on it has them."""
        first, self.seen = self.seen, len(self.watched.steps)
        return self.watched.steps[first:]

    def close(self) -> None:
        """Follow no longer."""
        self.leave(self)


def place_after(steps: Sequence[TimelineStep], last: str) -> int:
    """Return how many steps a reader has whose last one has this id; raise `UnknownTimelineStep`."""
    if not last:
        return 0
    try:
        wanted = UUID(last)
    except ValueError:
        raise UnknownTimelineStep("the id of the last step is no UUID: send it as it was received") from None
    for number, step in enumerate(steps, 1):
        if step.id == wanted:
            return number
    raise UnknownTimelineStep(f"this exam fee has no step {wanted}: begin without a last step")
