"""The cost of readiness is bounded, however often it is asked."""

import asyncio

from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from entrypoints.http.operations.health import VERDICT_SECONDS, ReadinessCheck


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
    ready = ReadinessCheck([probe])

    first = await asyncio.gather(*(ready() for _ in range(50)))
    probe.away = True
    again = await ready()
    assert {each.ready for each in (*first, again)} == {True}
    assert probe.count == 1

    await asyncio.sleep(VERDICT_SECONDS)
    assert [(await ready()).ready, (await ready()).ready, probe.count] == [False, False, 2]


async def test_a_monitor_that_leaves_does_not_end_the_check_of_others() -> None:
    ready = ReadinessCheck([Counting()])

    leaving, staying = asyncio.create_task(ready()), asyncio.create_task(ready())
    await asyncio.sleep(0)
    leaving.cancel()

    assert (await staying).ready
