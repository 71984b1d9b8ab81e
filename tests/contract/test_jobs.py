"""The contract of the runs of jobs, for every kind of persistence."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from config.container import Application
from core.jobs.job import Job, JobIsRunning, JobLeaseLost, JobResult, JobState, Missed, Outcome
from core.jobs.run_job import RunJob
from core.kernel.decisions import Decision
from core.use_cases import UseCases
from entrypoints.jobs import JOBS, NAMES, job_named
from entrypoints.scheduler.scheduler import JobLoop
from tests.contract.test_fines import DEADLINE, due, submitted
from tests.examples import StoppedClock

DONE = JobResult(Outcome.DONE, 7)
NOW = Decision(who="asha", why="the scheduler was off")


async def state(stored: Application, name: str = "job") -> JobState:
    return (await stored.jobs.runs().states([name]))[0]


def a_job(every: float = 60, limit: float = 60, many: int = 0) -> Job[object]:
    async def nothing(_: object) -> int:
        return 0

    spans = timedelta(seconds=every), Missed.ONCE, timedelta(seconds=limit)
    return Job("job", "Does nothing.", *spans, nothing, many)


async def test_a_new_job_is_due_and_later_only_after_its_pause(stored: Application) -> None:
    runs, new = stored.jobs.runs(), await state(stored)
    assert (new.outcome, new.is_running, new.seconds, new.seconds_until_due <= 0) == (Outcome.NONE, False, None, True)

    run = await runs.begin(new, "one", 60)
    assert run and await runs.end(run, DONE, 60)

    ended = await state(stored)
    assert (ended.holder, ended.outcome, ended.done, ended.is_running) == ("one", Outcome.DONE, 7, False)
    assert ended.ended_at and ended.succeeded_at == ended.ended_at and ended.seconds is not None
    assert 55 < ended.seconds_until_due <= 60
    assert await runs.begin(ended, "two", 60) is None
    assert await runs.begin(ended, "two", 60, early=True)


async def test_of_many_processes_one_begins_a_run(stored: Application) -> None:
    runs, due_now = stored.jobs.runs(), await state(stored)

    begun = await asyncio.gather(*(runs.begin(due_now, f"process-{number}", 60) for number in range(5)))

    assert len([each for each in begun if each]) == 1
    held = await state(stored)
    assert held.is_running and held.holder in {each.holder for each in begun if each}
    assert await runs.begin(held, "late", 60, early=True) is None


async def test_a_holder_that_ends_without_a_word_is_followed_after_its_lease_and_fenced(stored: Application) -> None:
    runs = stored.jobs.runs()
    killed = await runs.begin(await state(stored), "killed", 0.05)
    assert killed
    async with asyncio.timeout(5):
        while not (taken := await runs.begin(await state(stored), "next", 60)):
            await asyncio.sleep(0.01)

    assert taken.token > killed.token
    assert not await runs.renew(killed, 60)
    assert not await runs.end(killed, DONE, 0)
    assert (await state(stored)).holder == "next" and await runs.renew(taken, 60)


async def test_a_failure_keeps_when_it_last_succeeded(stored: Application) -> None:
    runs = stored.jobs.runs()
    for result in (DONE, JobResult(Outcome.FAILED, error="Unavailable")):
        run = await runs.begin(await state(stored), "one", 60)
        assert run and await runs.end(run, result, 0)

    failed = await state(stored)
    assert (failed.outcome, failed.error, failed.done) == (Outcome.FAILED, "Unavailable", 0)
    assert failed.succeeded_at and failed.ended_at and failed.succeeded_at <= failed.ended_at


async def test_two_schedulers_never_run_a_job_at_the_same_time(stored: Application) -> None:
    under_way, overlaps, ran = 0, 0, 0
    stop = asyncio.Event()

    async def work(_: object) -> int:
        nonlocal under_way, overlaps, ran
        under_way += 1
        overlaps += under_way > 1
        await asyncio.sleep(0.002)
        under_way -= 1
        ran += 1
        if ran == 20:
            stop.set()
        return 1

    use_cases = stored.use_cases()
    others = [use_cases.without_sending() for _ in range(2)]
    for number, each in enumerate(others):
        each.jobs = replace(use_cases.jobs, run_job=RunJob(stored.jobs.runs(), f"process-{number}"))
    job = replace(a_job(every=0), work=work)
    async with asyncio.timeout(30):
        await asyncio.gather(*(JobLoop(each, [job]).run(stop) for each in others))

    assert (overlaps, ran >= 20) == (0, True)
    assert (await state(stored)).token == ran


async def test_a_run_that_stood_still_past_its_lease_is_cancelled_and_stores_nothing(stored: Application) -> None:
    runs, cancelled = stored.jobs.runs(), asyncio.Event()

    async def work() -> int:
        held = await state(stored)
        time.sleep(0.15)  # the whole process stands still, as when it is suspended
        assert await runs.begin(replace(held), "next", 60)
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return 1

    with pytest.raises(JobLeaseLost):
        await RunJob(runs, "one")(a_job(), await state(stored), work, lease_seconds=0.1)

    assert cancelled.is_set()
    told = await state(stored)
    assert (told.holder, told.is_running, told.outcome) == ("next", True, Outcome.NONE)


async def test_a_long_run_keeps_its_lease(stored: Application) -> None:
    runs, known = stored.jobs.runs(), await state(stored)

    async def work() -> int:
        first = (await state(stored)).until
        async with asyncio.timeout(10):
            while (await state(stored)).until == first:
                await asyncio.sleep(0.01)
        return 1

    result = await RunJob(runs, "one")(a_job(), known, work, lease_seconds=0.9)

    assert result == JobResult(Outcome.DONE, 1)


async def test_a_job_that_fails_is_tried_again_after_its_interval(stored: Application) -> None:
    async def work() -> int:
        raise ValueError("about asha.1@example.org")

    with pytest.raises(ValueError, match="about"):
        await stored.use_cases().jobs.run_job(a_job(), await state(stored), work)

    failed = await state(stored)
    assert (failed.outcome, failed.error, failed.is_running) == (Outcome.FAILED, "ValueError", False)
    assert 55 < failed.seconds_until_due <= 60


async def test_a_job_runs_now_before_it_is_due_but_not_while_another_process_runs_it(stored: Application) -> None:
    runs, done = stored.jobs.runs(), 0

    async def work() -> int:
        nonlocal done
        done += 1
        return done

    now = stored.use_cases().jobs.run_job_now
    assert [(await now(a_job(), work, NOW)).done for _ in range(2)] == [1, 2]

    assert await runs.begin(await state(stored), "host-7", 60, early=True)
    with pytest.raises(JobIsRunning, match="host-7 runs job since 20"):
        await now(a_job(), work, NOW)
    assert done == 2


async def test_fines_of_three_missed_days_are_charged_once_and_reminders_told_once(stored: Application) -> None:
    [fee] = await submitted(stored)
    use = stored.use_cases().without_sending()
    clock = StoppedClock(DEADLINE + timedelta(days=3))
    payments = stored.use_cases().payments
    use.payments = replace(
        payments,
        fine_overdue_fees=replace(payments.fine_overdue_fees, clock=clock),
        remind_payers=replace(payments.remind_payers, clock=clock),
    )
    fines, reminders = job_named("overdue_fees_fined"), job_named("payers_reminded")

    async def run(job: Job[UseCases]) -> int:
        result = await use.jobs.run_job(job, await state(stored, job.name), partial(job.work, use), early=True)
        return result.done if result else -1

    assert (fines.missed, reminders.missed) == (Missed.CATCH_UP, Missed.ONCE)
    assert [await run(fines), await run(fines)] == [4, 0]  # one fine, and one for each day until the cap
    assert await due(stored, fee) == 50_000 + 10_000 + 250
    assert [await run(reminders), await run(reminders)] == [1, 0]


async def test_every_declared_job_is_listed_and_runs(stored: Application) -> None:
    use = stored.use_cases()
    for job, known in zip(JOBS, await use.jobs.list_jobs(NAMES), strict=True):
        assert await use.jobs.run_job(job, known, partial(job.work, use))

    assert {(each.outcome, each.error) for each in await use.jobs.list_jobs(NAMES)} == {(Outcome.DONE, "")}
