"""Run a job now."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from core.jobs.job import Job, JobIsRunning, JobResult
from core.jobs.ports import JobRuns
from core.jobs.run_job import RunJob
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.decisions import Decision
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class RunJobNow:
    """Run a job before its next run is due, for a person who says why."""

    ACTION: ClassVar = "run-job"

    new_work: NewUnitOfWork[UnitOfWork]
    runs: JobRuns
    holder: str

    async def __call__(self, job: Job[Any], work: Callable[[], Awaitable[object]], decision: Decision) -> JobResult:
        """Return how the run ended; raise `JobIsRunning`, or the error of the work."""
        known = (await self.runs.states([job.name]))[0]
        if known.is_running:
            raise JobIsRunning.told(known)

        async def audited() -> object:
            async with self.new_work() as unit:
                unit.audit(Deed(action=self.ACTION, target=f"job/{job.name}", reason=decision.why))
                await unit.commit()
            return await work()

        result = await RunJob(self.runs, self.holder)(job, known, audited, early=True)
        if result is None:
            raise JobIsRunning.told((await self.runs.states([job.name]))[0])
        return result
