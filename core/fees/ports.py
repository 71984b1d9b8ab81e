"""What the fees context needs from the outside world."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.fees.candidate import Candidate, StudentId
from core.fees.exam_fee import ExamFee
from core.fees.schedule import FeeSchedule
from core.fees.submission import Submission, SubmissionId
from core.kernel.unit_of_work import UnitOfWork


class ScheduleFormat(Protocol):
    """How people write a schedule: a document of TOML or JSON."""

    @abstractmethod
    def read(self, document: Mapping[str, object]) -> FeeSchedule:
        """Return the schedule, or raise `InvalidSchedule` naming the path of what is wrong."""

    @abstractmethod
    def write(self, schedule: FeeSchedule) -> Mapping[str, object]:
        """Return the document that reads as this schedule, but for its version."""


class Candidates(Protocol):
    """The roster, as far as the fee office may look into it."""

    @abstractmethod
    async def find(self, registration: str) -> Candidate:
        """Return the candidate, or raise `UnknownCandidate`."""


class Tariffs(Protocol):
    """The fee schedules in force."""

    @abstractmethod
    async def current(self, code: str) -> FeeSchedule:
        """Return the newest version, or raise `UnknownSchedule`."""

    @abstractmethod
    async def all(self) -> Sequence[FeeSchedule]:
        """Return the newest version of every schedule, ordered by code."""

    @abstractmethod
    async def put_in_force(self, schedule: FeeSchedule) -> None:
        """Price by this version from now on, in every process that shares our memory of it."""


class Schedules(Protocol):
    """Every version of every fee schedule."""

    @abstractmethod
    def add(self, schedule: FeeSchedule, published_at: datetime) -> None:
        """Remember a new version; the commit raises `SchedulePublishedMeanwhile` if there is one already."""


class Submissions(Protocol):
    """Every exam fee ever submitted."""

    @abstractmethod
    def add(self, submission: Submission) -> None:
        """Remember a submission; the commit raises `FeeAlreadySubmitted` if the candidate made one before."""


class ExamFees(Protocol):
    """Submissions, for people who look at them."""

    @abstractmethod
    async def find(self, submission: SubmissionId) -> ExamFee | None:
        """Return a submission with its timeline."""

    @abstractmethod
    async def find_by_reference(self, reference: str) -> ExamFee | None:
        """Return a submission with its timeline."""

    @abstractmethod
    async def list_by_student(self, student: StudentId, after: SubmissionId | None, limit: int) -> Sequence[Submission]:
        """Return the latest submissions, only ones made before `after` if that is given."""


class FeesUnitOfWork(UnitOfWork, Protocol):
    """A unit of work over fees."""

    schedules: Schedules
    submissions: Submissions


NewFeesUnitOfWork = Callable[[], FeesUnitOfWork]
