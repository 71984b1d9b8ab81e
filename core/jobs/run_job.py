"""Run a job."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from core.jobs.job import MAX_ERROR_LENGTH, Job, JobLeaseLost, JobResult, JobState, JobTookTooLong, Outcome, counts_of
from core.jobs.ports import JobRuns
from core.kernel.authorization import Permission, requires
from core.kernel.errors import Unavailable, error_name

LEASE_SECONDS = 10.0
RENEWALS = 3
"""How often a lease is renewed in the time that it holds."""


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class RunJob:
    """Run a job under its lease, which this process renews; where the lease is lost, the run is cancelled."""

    runs: JobRuns
    holder: str

    async def __call__(
        self, job: Job[Any], known: JobState, work: Callable[[], Awaitable[object]], *, early: bool = False,
        lease_seconds: float = LEASE_SECONDS,
    ) -> JobResult | None:  # fmt: skip
        """Return how the run ended, None where the job is not due or another process runs it.

        Raises the error of the work after it was stored.
        """
        run = await self.runs.begin(known, self.holder, lease_seconds, early=early)
        if run is None:
            return None
        try:
            counts = counts_of(await self._under_lease(run, job, asyncio.ensure_future(work()), lease_seconds))
        except asyncio.CancelledError:
            await self.runs.end(run, JobResult(Outcome.INTERRUPTED), 0)
            raise
        except Exception as error:
            failure = JobResult(Outcome.FAILED, error=error_name(error)[:MAX_ERROR_LENGTH])
            await self.runs.end(run, failure, job.every.total_seconds())
            raise
        done = sum(counts.values())
        result = JobResult(Outcome.DONE, done, counts=counts)
        await self.runs.end(run, result, job.pause_after(done).total_seconds())
        return result

    async def _under_lease(
        self, run: JobState, job: Job[Any], doing: asyncio.Future[object], lease_seconds: float
    ) -> object:
        time = asyncio.get_running_loop().time
        began = renewed = time()
        try:
            while not (await asyncio.wait({doing}, timeout=lease_seconds / RENEWALS))[0]:
                if time() - began > job.limit.total_seconds():
                    raise JobTookTooLong(f"{job.name} is not done after {job.limit.total_seconds():g} s")
                asked = time()
                if await self._renewed(run, lease_seconds):
                    renewed = asked
                elif asked - renewed > lease_seconds:
                    raise JobLeaseLost(f"the lease of {job.name} expired before it was renewed")
            return doing.result()
        finally:
            if doing.cancel():
                await asyncio.wait({doing})  # it rolls back before another process may begin

    async def _renewed(self, run: JobState, seconds: float) -> bool:
        """Renew the lease; False while the storage is away.  Raises `JobLeaseLost` where it says so."""
        try:
            if await self.runs.renew(run, seconds):
                return True
        except Unavailable:
            return False
        raise JobLeaseLost(f"another process may run {run.name}")
