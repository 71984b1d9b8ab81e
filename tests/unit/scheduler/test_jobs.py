"""The loop of a scheduler begins what is due, and ends with its process."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from core.jobs.job import BUSY_INTERVAL, Job, Missed, Outcome
from core.kernel.errors import NotFound
from core.use_cases import UseCases
from entrypoints import periodic
from entrypoints.jobs import JOBS, MANY_POSTINGS, NAMES, job_named
from entrypoints.scheduler.scheduler import JobLoop
from tests.applications import an_application
from tests.unit.virtual_time import VirtualClock


def a_job(name: str, work: Callable[[UseCases], Awaitable[object]], limit: float = 60) -> Job[UseCases]:
    return Job(name, "Works.", timedelta(seconds=0.01), Missed.ONCE, timedelta(seconds=limit), work)


def in_virtual_time() -> UseCases:
    application = an_application()
    application.process.clock.override(VirtualClock())
    return application.use_cases()


async def run(use: UseCases, stop: asyncio.Event, *jobs: Job[UseCases]) -> None:
    async with asyncio.timeout(5):
        await JobLoop(use, jobs).run(stop)


async def test_postings_are_added_up_again_soon_only_while_many_arrive() -> None:
    job = job_named("postings_added_up")

    assert [job.pause_after(done) for done in (0, MANY_POSTINGS - 1, MANY_POSTINGS)] == [
        job.every,
        job.every,
        BUSY_INTERVAL,
    ]
    assert job_named("holds_expired").pause_after(10**6) == timedelta(seconds=20)


async def test_a_slow_job_and_one_that_fails_hold_up_no_other() -> None:
    use, stop, runs = in_virtual_time(), asyncio.Event(), 0

    async def slow(_: UseCases) -> int:
        await stop.wait()
        return 1

    async def failing(_: UseCases) -> int:
        raise ValueError("a defect")

    async def quick(_: UseCases) -> int:
        nonlocal runs
        runs += 1
        if runs == 3:
            stop.set()
        return 1

    with capture_logs() as logs:
        await run(use, stop, a_job("slow", slow), a_job("failing", failing), a_job("quick", quick))

    assert runs == 3
    assert {each["job"] for each in logs if each["event"] == "job_failed_will_retry"} == {"failing"}
    states = await use.jobs.list_jobs(["slow", "failing", "quick"])
    assert [each.outcome for each in states] == [Outcome.DONE, Outcome.FAILED, Outcome.DONE]


async def test_a_run_that_its_process_ends_is_due_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic, "JOB_SHUTDOWN_SECONDS", 0.01)
    use, stop = in_virtual_time(), asyncio.Event()

    async def endless(_: UseCases) -> int:
        stop.set()
        await asyncio.Event().wait()
        return 1

    await run(use, stop, a_job("endless", endless))

    [ended] = await use.jobs.list_jobs(["endless"])
    assert (ended.outcome, ended.is_running, ended.seconds_until_due <= 0) == (Outcome.INTERRUPTED, False, True)


async def test_a_run_at_its_time_limit_is_cancelled_and_has_failed() -> None:
    use, stop = in_virtual_time(), asyncio.Event()

    async def endless(_: UseCases) -> int:
        try:
            await asyncio.Event().wait()
        finally:
            stop.set()
        return 1

    async with asyncio.timeout(120):
        await JobLoop(use, [a_job("endless", endless, limit=60)]).run(stop)

    [ended] = await use.jobs.list_jobs(["endless"])
    assert (ended.outcome, ended.error) == (Outcome.FAILED, "JobTookTooLong")
    assert ended.seconds and 60 <= ended.seconds <= 64


async def test_names_are_unique_and_an_unknown_one_tells_them() -> None:
    assert len(set(NAMES)) == len(JOBS)
    with pytest.raises(NotFound, match=f"there is no job 'fines'; there are {', '.join(NAMES)}"):
        job_named("fines")
