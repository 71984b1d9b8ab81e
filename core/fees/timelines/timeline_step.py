"""The steps of an exam fee in the event log, and the port that reads them."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from core.fees.submission import SubmissionId
from core.kernel.errors import Invalid
from core.kernel.rate_limit import RateLimited

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnknownTimelineStep(Invalid):
    """The timeline has no step with this id, so it cannot be continued after it."""

    problem = "unknown-timeline-step"


class TooManyFollowers(RateLimited):
    """The account, or the process, follows as many timelines as it may."""

    problem = "too-many-followers"


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """What happened to an exam fee."""

    id: UUID
    """Of the event; a client continues after it."""
    at: datetime
    what: str
    """The type of the event: `FeeSubmitted`, `PaymentCaptured`."""


class Timelines(Protocol):
    """The steps of exam fees: the submission, and each event of its fee account.

    An account begins when its submission is committed, and commits its events in the order of their versions. So this
    order only grows at its end, whatever the ids and the clocks of the processes that wrote them. A repricing is no
    step: it proposes, and what is decided is an event of the account.
    """

    @abstractmethod
    def account(self, submission: SubmissionId) -> UUID:
        """Return the aggregate whose events are the steps after the submission."""

    @abstractmethod
    async def steps(self, submissions: Collection[SubmissionId]) -> Mapping[SubmissionId, Sequence[TimelineStep]]:
        """Return every committed step in order."""

    @abstractmethod
    async def written_since(self, moment: datetime) -> Collection[UUID]:
        """Return the aggregates of the committed events whose ids were made since then.

        An event that commits long after its id was made is found by `steps` alone.
        """


def least_id(moment: datetime) -> UUID:
    """Return an id that sorts before every UUIDv7 made at a moment or later, and after those of the ms before."""
    return UUID(int=(moment - EPOCH) // timedelta(milliseconds=1) << 80)
