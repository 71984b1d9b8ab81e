"""Jobs: what is declared about each, and what became of its last run."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from core.kernel.errors import Conflict, CoreError, NotFound

U = TypeVar("U")
MAX_ERROR_LENGTH = 64


class Missed(StrEnum):
    """What a run does about the runs that an outage prevented; in each case one run follows, at once."""

    CATCH_UP = "catch up"
    """It does all that they would have done."""
    ONCE = "once"
    """It does what is due now; what only they could have done is not done."""


@dataclass(frozen=True, slots=True)
class Job(Generic[U]):
    """Work that the scheduler does at an interval; `U` is what its work is done with."""

    name: str
    does: str
    every: timedelta
    """From the end of a run to the next one."""
    missed: Missed
    limit: timedelta
    """A run that takes longer is cancelled, and has failed."""
    work: Callable[[U], Awaitable[object]]
    """Returns how much it did: a number, or numbers by name."""
    many: int = 0
    """After a run that did so much, the next one follows in `BUSY_INTERVAL`; 0: never."""

    def pause_after(self, done: int) -> timedelta:
        """Return the time to the next run after one that did so much."""
        return min(self.every, BUSY_INTERVAL) if self.many and done >= self.many else self.every


BUSY_INTERVAL = timedelta(seconds=0.5)


class Outcome(StrEnum):
    """What became of a run."""

    NONE = ""
    """The job never ended a run."""
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Its process stopped; the next run is due at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job as it was at the time `at`, by the clock of the storage."""

    name: str
    at: datetime
    next_at: datetime
    holder: str = ""
    """The process that began the last run."""
    token: int = 0
    """The fencing token of its lease; it grows with each run."""
    until: datetime
    """When the lease expires; in the past where no run is under way."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    """When the last run that ended did so."""
    outcome: Outcome = Outcome.NONE
    done: int = 0
    error: str = ""
    """The kind of the error that it failed with."""
    succeeded_at: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """Return how long the last run took; None while one is under way, or before the first."""
        ended = self.ended_at if self.started_at and not self.is_running else None
        return (ended - self.started_at).total_seconds() if ended and self.started_at else None

    @property
    def is_running(self) -> bool:
        """Return whether a process holds the lease."""
        return self.until > self.at

    @property
    def seconds_until_due(self) -> float:
        """Return how long no process may begin the next run; 0 or less: it may begin."""
        return (max(self.next_at, self.until) - self.at).total_seconds()


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a run ended."""

    outcome: Outcome
    done: int = 0
    error: str = ""
    counts: Mapping[str, int] = field(default_factory=dict, compare=False)
    """What `done` is the sum of, for the log."""


class UnknownJob(NotFound):
    """No job has this name."""

    problem = "unknown-job"


class JobIsRunning(Conflict):
    """Another process runs the job now."""

    problem = "job-is-running"

    @classmethod
    def told(cls, state: JobState) -> "JobIsRunning":
        """Return the error that names the process that runs it."""
        since = f" since {state.started_at:%Y-%m-%dT%H:%M:%SZ}" if state.started_at else ""
        return cls(f"{state.holder} runs {state.name}{since}; wait until it ends")


class JobLeaseLost(Conflict):
    """The lease of a run expired before it was renewed; another process may run the job."""

    problem = "job-lease-lost"


class JobTookTooLong(Conflict):
    """A run reached the time limit of its job."""

    problem = "job-took-too-long"


class JobFailed(CoreError):
    """The work of a job failed with an error that is no refusal."""

    problem = "job-failed"

    @classmethod
    def told(cls, name: str, error: Exception) -> "JobFailed":
        """Return the error that names the cause."""
        return cls(f"{name} failed: {type(error).__name__}: {error}; its next run is due after its interval")


def counts_of(result: object) -> Mapping[str, int]:
    """Return the numbers that the work of a job returned, by name; a single one is `count`."""
    counts = result if isinstance(result, Mapping) else {"count": result}
    return {str(name): count for name, count in counts.items() if isinstance(count, int)}
