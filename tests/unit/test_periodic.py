import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from structlog.testing import capture_logs

from core.kernel.errors import Unavailable
from entrypoints import periodic
from entrypoints.periodic import run_every

Job = Callable[[], Awaitable[Mapping[str, int]]]


async def run(job: Job, stop: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await run_every(0.0, "job", job, stop)


@pytest.mark.parametrize("error", [Unavailable("the database is away"), ValueError("a defect")])
async def test_a_job_is_done_again_and_again_also_after_an_outage_or_a_defect(error: Exception) -> None:
    stop, calls = asyncio.Event(), 0

    async def job() -> Mapping[str, int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise error
        if calls == 3:
            stop.set()
        return {}

    await run(job, stop)
    assert calls == 3


@pytest.mark.parametrize("stubborn", [False, True])
async def test_a_job_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch, stubborn: bool) -> None:
    monkeypatch.setattr(periodic, "JOB_SHUTDOWN_SECONDS", 0.01)
    stop, cut_short = asyncio.Event(), False

    async def job() -> Mapping[str, int]:
        nonlocal cut_short
        stop.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut_short = True
            if not stubborn:
                raise
        return {}

    await run(job, stop)
    assert cut_short


async def test_a_job_that_is_nearly_done_may_end_when_we_stop() -> None:
    stop, done = asyncio.Event(), False

    async def job() -> Mapping[str, int]:
        nonlocal done
        stop.set()
        await asyncio.sleep(0)
        done = True
        return {"done": 1}

    await run(job, stop)
    assert done


async def test_a_defect_of_a_job_is_not_hidden() -> None:
    stop = asyncio.Event()

    async def job() -> Mapping[str, int]:
        stop.set()
        raise ValueError("a defect")

    with capture_logs() as logs:
        await run(job, stop)
    assert [repr(each["error"]) for each in logs] == ["ValueError('a defect')"]
