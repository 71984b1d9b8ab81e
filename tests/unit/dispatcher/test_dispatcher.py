import asyncio

from core.kernel.errors import Unavailable
from core.notifications.delivery import Channel
from entrypoints.dispatcher.dispatcher import dispatch_channel


class DispatcherHarness:
    """A stub of two channels, one of which hangs."""

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
    harness = DispatcherHarness()
    async with asyncio.timeout(5), asyncio.TaskGroup() as lanes:
        for channel in Channel:
            lanes.create_task(dispatch_channel(harness.deliver, channel, harness.stop))
        await harness.enough.wait()
        harness.stop.set()


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
        await dispatch_channel(deliver, Channel.SMS, stop)

    assert calls == 2
