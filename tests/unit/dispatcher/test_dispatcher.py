import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from core.kernel.errors import Unavailable
from core.kernel.signals import Signals
from core.notifications.delivery import Channel
from core.notifications.vendor_standing import VendorStanding
from entrypoints.dispatcher.dispatcher import dispatch, expire_claims, report_standings


class DispatcherHarness:
    """Two channels, of which one hangs."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.sent: list[Channel] = []
        self.enough = asyncio.Event()

    async def deliver(self, channel: Channel, stop: asyncio.Event) -> int:
        if channel is Channel.EMAIL:
            await stop.wait()
            return 0
        self.sent.append(channel)
        if len(self.sent) == 100:
            self.enough.set()
        await asyncio.sleep(0)
        return 1


async def test_a_vendor_that_hangs_on_one_channel_slows_nothing_on_the_other() -> None:
    office = DispatcherHarness()
    async with asyncio.timeout(5), asyncio.TaskGroup() as lanes:
        for channel in Channel:
            lanes.create_task(dispatch(office.deliver, channel, office.stop))
        await office.enough.wait()
        office.stop.set()


async def test_an_outage_does_not_end_the_loop_of_a_channel() -> None:
    calls, stop = 0, asyncio.Event()

    async def deliver(_channel: Channel, _stop: asyncio.Event) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Unavailable("the database is away")
        stop.set()
        return 1

    async with asyncio.timeout(5):
        await dispatch(deliver, Channel.SMS, stop)

    assert calls == 2


class SkippingSignals(Signals):
    """Waits for nothing."""

    @staticmethod
    async def wait(event: asyncio.Event, seconds: float) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("error", [Unavailable("the database is away"), ValueError("a defect")])
@pytest.mark.parametrize("look", [expire_claims, report_standings])
async def test_dispatcher_jobs_continue_after_errors(look: Any, error: Exception) -> None:
    calls, stop = 0, asyncio.Event()

    async def work(*_: object) -> Sequence[VendorStanding] | int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise error
        if calls == 5:
            stop.set()
        return 0 if look is expire_claims else ()

    async with asyncio.timeout(5):
        await look(work, SkippingSignals(), stop)

    assert calls == 5
