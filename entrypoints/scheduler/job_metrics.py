"""Metrics of jobs: each scheduler tells them of all jobs, from the rows that they share."""

from collections.abc import Iterable

from prometheus_client import Gauge

from core.jobs.job import JobState, Outcome
from entrypoints.jobs import SEALING
from entrypoints.scheduler.office_figures import export

# Registered with the first measurement: a process without a scheduler would export none of its own.
SUCCEEDED = Gauge(
    "bursar_job_last_success_timestamp_seconds", "When a run of the job last succeeded", ["name"],
    registry=None, multiprocess_mode="livemax",
)  # fmt: skip
FAILING = Gauge(
    "bursar_job_failing", "1 while the last run of the job has failed", ["name"],
    registry=None, multiprocess_mode="livemax",
)  # fmt: skip
OVERDUE = Gauge(
    "bursar_job_overdue_seconds", "How long the next run of the job is due and not begun", ["name"],
    registry=None, multiprocess_mode="livemax",
)  # fmt: skip


ANCHORED = Gauge(
    "bursar_audit_anchored_timestamp_seconds", "When every audit record was last sealed and the head published",
    registry=None, multiprocess_mode="livemax",
)  # fmt: skip


def measure_jobs(states: Iterable[JobState]) -> None:
    """Set the gauges of each job; the first time, also register them for export."""
    for each in states:
        SUCCEEDED.labels(each.name).set(each.succeeded_at.timestamp() if each.succeeded_at else 0)
        FAILING.labels(each.name).set(each.outcome is Outcome.FAILED)
        if each.name == SEALING and each.succeeded_at:
            ANCHORED.set(each.succeeded_at.timestamp())
            export(ANCHORED)
        OVERDUE.labels(each.name).set(max(0.0, -each.seconds_until_due))
    for gauge in (SUCCEEDED, FAILING, OVERDUE):
        export(gauge)
