"""The ports of the fees context."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.fees.candidate import Candidate, StudentId
from core.fees.exam_fee import ExamFee
from core.fees.price_again import PastSubmission
from core.fees.repricing import Repricing
from core.fees.schedule import FeeSchedule
from core.fees.submission import Submission, SubmissionId
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork


class ScheduleFormat(Protocol):
    """The format of schedule documents, which are written in TOML or JSON; amounts are minor units."""

    @abstractmethod
    def read(self, document: Mapping[str, object]) -> FeeSchedule:
        """Return the schedule, or raise `InvalidSchedule` with the JSON path of the fault."""

    @abstractmethod
    def write(self, schedule: FeeSchedule) -> Mapping[str, object]:
        """Return a document that reads as this schedule, except for the version."""


class Candidates(Protocol):
    """Read access to the roster."""

    @abstractmethod
    async def find(self, registration: str) -> Candidate:
        """Return the candidate, or raise `UnknownCandidate`."""


class Tariffs(Protocol):
    """The fee schedules in force."""

    @abstractmethod
    async def current(self, code: str) -> FeeSchedule:
        """Return the newest version, or raise `UnknownSchedule`."""

    @abstractmethod
    async def newest(self, code: str) -> FeeSchedule | None:
        """Return the newest version that is stored now, whatever a cache says."""

    @abstractmethod
    async def all(self) -> Sequence[FeeSchedule]:
        """Return the newest version of every schedule, ordered by code."""

    @abstractmethod
    async def put_in_force(self, schedule: FeeSchedule) -> None:
        """Make this version the current one in every process that shares the cache."""


class ScheduleVersions(Protocol):
    """Every published version."""

    @abstractmethod
    async def find(self, code: str, version: int) -> FeeSchedule | None:
        """Return a version."""


class Schedules(Protocol):
    """Every version of every fee schedule."""

    @abstractmethod
    def add(self, schedule: FeeSchedule, published_at: datetime) -> None:
        """Store a new version; the commit raises `SchedulePublishedMeanwhile` if the version exists."""


class Submissions(Protocol):
    """The repository of submissions."""

    @abstractmethod
    def add(self, submission: Submission) -> None:
        """Store a submission; the commit raises `FeeAlreadySubmitted` if the candidate has one for the schedule."""


class ExamFees(Protocol):
    """Submissions with their timelines, for queries."""

    @abstractmethod
    async def find(self, submission: SubmissionId) -> ExamFee | None:
        """Return a submission with its timeline."""

    @abstractmethod
    async def find_by_reference(self, reference: str) -> ExamFee | None:
        """Return a submission with its timeline."""

    @abstractmethod
    async def list_by_student(self, student: StudentId, after: SubmissionId | None, limit: int) -> Sequence[Submission]:
        """Return the latest submissions, or the latest before `after`."""


class Repricings(Protocol):
    """The repository of repricings."""

    @abstractmethod
    async def lock(self, schedule: str) -> Mapping[UUID, Repricing]:
        """Return the repricings of a schedule, and lock their rows until this unit of work ends."""

    @abstractmethod
    def save(self, repricing: Repricing) -> None:
        """Store a new or locked repricing; the commit raises `Conflict` if another unit of work has stored it first."""


@dataclass(frozen=True, slots=True)
class PastPage:
    """Submissions that a repricing looks at next."""

    items: Sequence[PastSubmission]
    looked_at: int
    """How many submissions were, also of other schedules."""
    last: UUID | None
    """Where the next page begins; None: there is none."""


class RepricingRecords(Protocol):
    """Queries of repricings, outside of a unit of work."""

    @abstractmethod
    async def find(self, repricing: UUID) -> Repricing | None:
        """Return a repricing."""

    @abstractmethod
    async def in_work(self) -> Sequence[Repricing]:
        """Return those that are counted or run."""

    @abstractmethod
    async def past(self, repricing: Repricing, limit: int) -> PastPage:
        """Look through the next `limit` submissions; return those of older versions that it has not told yet."""


class FeesUnitOfWork(UnitOfWork, Protocol):
    """A unit of work over fees."""

    schedules: Schedules
    submissions: Submissions
    repricings: Repricings


NewFeesUnitOfWork = NewUnitOfWork[FeesUnitOfWork]
