"""Repricings: the fees of a schedule, priced again by its newest version."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID, uuid5

from core.fees.errors import RepricingNotReady

REPRICINGS = UUID("d0a8d0a2-6d0b-4c57-9b0e-3d2a4f6b8c11")
"""The namespace of ids that follow from a schedule and its version."""

MAX_NAMED_FEES = 100


class RepricingState(StrEnum):
    """How far a repricing is."""

    COUNTING = "counting"
    """It is found out what would change; nothing is told."""
    COUNTED = "counted"
    RUNNING = "running"
    """Each difference is told, and becomes a task."""
    DONE = "done"
    REPLACED = "replaced"
    """A newer version is repriced."""


IN_WORK = frozenset({RepricingState.COUNTING, RepricingState.RUNNING})


@dataclass(frozen=True, slots=True, kw_only=True)
class RepricingFigures:
    """What the version changes of the prices that were told last, in fees and in minor units."""

    submissions: int = 0
    unchanged: int = 0
    demands: int = 0
    demanded_minor: int = 0
    refunds: int = 0
    refunded_minor: int = 0
    transfers: int = 0
    """Fees of the same total, for other heads."""
    unpriced: int = 0
    """Fees that a person looks at: the student was erased or has other facts now, or the version has no price."""

    def __add__(self, other: Self) -> Self:
        return type(self)(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})

    @property
    def changes(self) -> int:
        """Return how many tasks the differences make."""
        return self.demands + self.refunds + self.transfers


@dataclass(slots=True, kw_only=True, eq=False)
class Repricing:
    """The submissions of older versions of a schedule, taken in the order of their ids."""

    id: UUID
    schedule: str
    version: int
    """The version that gives the price."""
    currency: str
    asked_by: str
    """Who had it counted, and since the start: who started it."""
    asked_at: datetime
    why: str = ""
    state: RepricingState = RepricingState.COUNTING
    after: UUID | None = None
    """The last submission that was looked at; the next batch begins behind it."""
    total: int = 0
    """Submissions that were counted."""
    figures: RepricingFigures = RepricingFigures()
    """Of the count, and since the start of the run."""
    unpriced: tuple[str, ...] = ()
    """The references of the first fees that a person looks at."""

    def count_again(self, who: str, at: datetime) -> None:
        """Begin the count anew, unless it or the run is in work."""
        if self.state not in IN_WORK:
            self.asked_by, self.asked_at = who, at
            self._begin(RepricingState.COUNTING)

    def start(self, who: str, why: str, confirm: int) -> None:
        """Begin to tell the differences; raise `RepricingNotReady` unless they were counted, and are as many."""
        if self.state is not RepricingState.COUNTED:
            raise RepricingNotReady(f"the repricing is {self.state}, not counted", facts={"state": self.state})
        if confirm != (counted := self.figures.changes):
            raise RepricingNotReady(
                f"{confirm} changes were confirmed, and there are {counted}",
                at="$.confirm",
                facts={"count": str(counted)},
            )
        self.asked_by, self.why, self.total = who, why, self.figures.submissions
        self._begin(RepricingState.RUNNING)

    def leave(self, reference: str) -> None:
        """Count a fee that a person looks at."""
        self.figures += RepricingFigures(submissions=1, unpriced=1)
        self.unpriced = (*self.unpriced, reference)[:MAX_NAMED_FEES]

    def move_on(self, last: UUID | None) -> None:
        """Remember the last submission of a batch; without one there are no more."""
        if last is not None:
            self.after = last
        else:
            is_count = self.state is RepricingState.COUNTING
            self.state = RepricingState.COUNTED if is_count else RepricingState.DONE

    def _begin(self, state: RepricingState) -> None:
        self.state, self.after, self.figures, self.unpriced = state, None, RepricingFigures(), ()


def repricing_id(schedule: str, version: int) -> UUID:
    """Return the id of a repricing: the same for each request."""
    return uuid5(REPRICINGS, f"{schedule}:{version}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepricingView:
    """A repricing as people see it."""

    id: UUID
    schedule: str
    version: int
    currency: str
    state: RepricingState
    asked_by: str
    asked_at: datetime
    total: int
    """Submissions that the run will look at; 0 while they are counted."""
    figures: RepricingFigures
    """So far."""
    unpriced: tuple[str, ...]
    """The references of the first 100 fees that a person looks at."""
    changes: int
    """Tasks that these figures make: `confirm` of the start."""

    @classmethod
    def of(cls, repricing: Repricing) -> Self:
        """Return what people see."""
        told = [each.name for each in fields(cls) if each.name != "changes"]
        return cls(changes=repricing.figures.changes, **{name: getattr(repricing, name) for name in told})
