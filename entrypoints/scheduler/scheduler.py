"""Runs the jobs that are due, which schedulers share, and measures what only this process exports."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from core.inventory.views import ProjectionProgress
from core.jobs.job import Job, JobState
from core.kernel.clock import Clock
from core.kernel.signals import wait_for_any
from core.messaging.consumer_lag import ConsumerLag
from core.messaging.outbox import Backlog
from core.notifications.delivery_figures import DeliveryFigures
from core.payments.order_figures import OrderFigures
from core.use_cases import UseCases
from entrypoints.effects import count_effect
from entrypoints.jobs import JOBS
from entrypoints.periodic import finish_or_cancel, run_every
from entrypoints.scheduler.backlog_metrics import measure_backlog
from entrypoints.scheduler.job_metrics import measure_jobs
from entrypoints.scheduler.office_figures import measure_dead_letters, measure_deliveries, measure_lag, measuring_orders
from entrypoints.scheduler.projection_lag import measure_projection_lag

log = structlog.get_logger()
FIGURES_INTERVAL_SECONDS = 20.0
MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 1.0, 5.0
"""Between two readings of what is due: jobs that are due within a second share a reading."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The read ports whose figures become metrics."""

    backlog: Backlog
    consumer_lag: ConsumerLag
    deliveries: DeliveryFigures
    orders: OrderFigures
    progress: ProjectionProgress

    def measurements(self, clock: Clock) -> Mapping[str, Callable[[], Awaitable[object]]]:
        """Return the measurements by name: one that fails holds up no other."""
        return {
            "backlog_measured": partial(measure_backlog, self.backlog, clock),
            "dead_letters_measured": partial(measure_dead_letters, self.backlog),
            "deliveries_measured": partial(measure_deliveries, self.deliveries, clock),
            "orders_measured": measuring_orders(self.orders, clock),
            "consumer_lag_measured": partial(measure_lag, self.consumer_lag),
            "projection_lag_measured": partial(measure_projection_lag, self.progress, clock),
        }


def scheduler(use_cases: UseCases, figures: Figures, clock: Clock, stop: asyncio.Event) -> list[Awaitable[None]]:
    """Return the loop of all jobs, and one for each measurement."""
    measurements = figures.measurements(clock).items()
    return [
        JobLoop(use_cases, JOBS).run(stop),
        *(run_every(FIGURES_INTERVAL_SECONDS, name, measure, stop) for name, measure in measurements),
    ]


class JobLoop:
    """Begins the jobs that are due, each in a task, so that a slow one holds up no other."""

    def __init__(self, use_cases: UseCases, jobs: Sequence[Job[UseCases]]) -> None:
        self._use_cases, self._jobs = use_cases, jobs
        self._running: dict[str, asyncio.Task[None]] = {}
        self._due_soon = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Read what is due, begin it, and wait for what is due next, until `stop` is set; then end what runs."""
        while not stop.is_set():
            self._due_soon.clear()
            pause = MAX_PAUSE_SECONDS
            try:
                pause = self._begin_due(await self._use_cases.jobs.list_jobs([job.name for job in self._jobs]), stop)
            except Exception as error:
                count_effect("job", done=False)
                log.warning("job_failed_will_retry", job="schedule", error=error)
            await wait_for_any(stop, self._due_soon, seconds=pause)
        await asyncio.gather(*self._running.values())

    def _begin_due(self, states: Sequence[JobState], stop: asyncio.Event) -> float:
        """Begin what is due and not running here; return the seconds until the first of the others is due."""
        measure_jobs(states)
        pauses = [MAX_PAUSE_SECONDS]
        for job, state in zip(self._jobs, states, strict=True):
            if job.name in self._running:
                continue
            if state.seconds_until_due <= 0:
                self._running[job.name] = asyncio.create_task(self._run_one(job, state, stop))
            else:
                pauses.append(state.seconds_until_due)
        return max(MIN_PAUSE_SECONDS, min(pauses))

    async def _run_one(self, job: Job[UseCases], state: JobState, stop: asyncio.Event) -> None:
        """Run a job if no other process was first; a failure is logged, and its next run is due after its interval."""
        try:
            run = self._use_cases.jobs.run_job(job, state, partial(job.work, self._use_cases))
            result = await finish_or_cancel(job.name, run, stop)
            if result and result.done:
                log.info(job.name, **result.counts)
            if result and (pause := job.pause_after(result.done).total_seconds()) < MIN_PAUSE_SECONDS:
                asyncio.get_running_loop().call_later(pause, self._due_soon.set)
            count_effect("job", done=True)
        except Exception as error:
            count_effect("job", done=False)
            log.warning("job_failed_will_retry", job=job.name, error=error)
        finally:
            del self._running[job.name]
