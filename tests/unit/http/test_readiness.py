"""The cost of readiness is bounded, however often it is asked."""

import asyncio
import json

from core.kernel.errors import Unavailable
from core.kernel.health import VERDICT_SECONDS, HealthChecks, Probe
from entrypoints.health import answer


class Counting(Probe):
    name, remedy = "persistence", "start it"

    def __init__(self) -> None:
        self.count, self.away = 0, False

    async def check(self) -> str:
        self.count += 1
        await asyncio.sleep(0.1)
        if self.away:
            raise Unavailable("away")
        return "there"


async def test_many_monitors_share_a_verdict_for_a_second() -> None:
    probe = Counting()
    ready = HealthChecks([probe]).readiness

    first = await asyncio.gather(*(ready() for _ in range(50)))
    probe.away = True
    again = await ready()
    assert {each.ready for each in (*first, again)} == {True}
    assert probe.count == 1

    await asyncio.sleep(VERDICT_SECONDS)
    assert [(await ready()).ready, (await ready()).ready, probe.count] == [False, False, 2]


async def test_a_monitor_that_leaves_does_not_end_the_check_of_others() -> None:
    ready = HealthChecks([Counting()]).readiness

    leaving, staying = asyncio.create_task(ready()), asyncio.create_task(ready())
    await asyncio.sleep(0)
    leaving.cancel()

    assert (await staying).ready


async def test_a_process_that_was_ready_once_has_started_whatever_its_dependencies_do_since() -> None:
    probe = Counting()
    checks = HealthChecks([probe])

    probe.away = True
    before = await answer(checks, "/health/started")
    await asyncio.sleep(VERDICT_SECONDS)
    probe.away = False
    began = await answer(checks, "/health/started")
    await asyncio.sleep(VERDICT_SECONDS)
    probe.away = True
    states = {path: await answer(checks, f"/health/{path}") for path in ("started", "live", "ready")}

    assert [each and each[0] for each in (before, began, *states.values())] == [503, 200, 200, 200, 503]
    assert states["ready"] and json.loads(states["ready"][1])["dependencies"] == [
        {
            "name": "persistence",
            "ready": False,
            "essential": True,
            "detail": "away",
            "remedy": "start it",
            "deadline_seconds": 2.0,
        }
    ]
    assert await answer(checks, "/v1/vendors") is None
