"""The port of the runs of jobs."""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Protocol

from core.jobs.job import JobResult, JobState


class JobRuns(Protocol):
    """One row for each job: its lease, its last run and when the next one is due, by the clock of the storage."""

    @abstractmethod
    async def states(self, names: Collection[str]) -> Sequence[JobState]:
        """Return the state of each job in the order of `names`; one that is new is due now."""

    @abstractmethod
    async def begin(self, known: JobState, holder: str, seconds: float, *, early: bool = False) -> JobState | None:
        """Take the lease of a run for `seconds`; None where it is not due, or another process was first.

        `early`: also where the next run is not due.
        """

    @abstractmethod
    async def renew(self, run: JobState, seconds: float) -> bool:
        """Extend the lease of a run; False where it has expired."""

    @abstractmethod
    async def end(self, run: JobState, result: JobResult, pause: float) -> bool:
        """Store how a run ended; the next one is due in `pause` seconds.  False: its lease has expired."""
