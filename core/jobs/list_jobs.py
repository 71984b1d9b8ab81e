"""List jobs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.jobs.job import JobState
from core.jobs.ports import JobRuns
from core.kernel.authorization import Permission, requires


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class ListJobs:
    """Tell what became of the last run of each job, and when the next one is due."""

    runs: JobRuns

    async def __call__(self, names: Collection[str]) -> Sequence[JobState]:
        """Return the states in the order of the names."""
        return await self.runs.states(names)
