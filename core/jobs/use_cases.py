"""The use cases of jobs."""

from dataclasses import dataclass

from core.jobs.list_jobs import ListJobs
from core.jobs.run_job import RunJob
from core.jobs.run_job_now import RunJobNow


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsUseCases:
    """Runs of jobs, of which one at a time is under way."""

    list_jobs: ListJobs
    run_job: RunJob
    run_job_now: RunJobNow
