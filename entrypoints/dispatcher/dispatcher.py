"""Due deliveries to the vendors: a lane for each channel, so that none waits for another's vendor."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from core.notifications.delivery import Channel
from core.notifications.ports import DELIVERIES
from core.shared.errors import Unavailable
from core.shared.signals import Signals

log = structlog.get_logger()
IDLE = 1.0
"""Seconds between looks for deliveries that fell due without a bell."""
ROUND = 10.0
"""Seconds between looks for deliveries whose sender died."""


async def dispatch(
    deliver: Callable[[Channel, asyncio.Event], Awaitable[int]], channel: Channel, signals: Signals, stop: asyncio.Event
) -> None:
    """Send what is due on one channel until `stop` is set."""
    while not stop.is_set():
        bell = signals.listen(DELIVERIES)
        try:
            sent = await deliver(channel, stop)
        except Unavailable as error:
            log.warning("dispatcher_waits", channel=channel, error=str(error))
            await signals.wait(stop, IDLE)
            continue
        if not sent:
            await signals.wait(bell, IDLE)


async def own_up(abandon: Callable[[], Awaitable[int]], signals: Signals, stop: asyncio.Event) -> None:
    """Look after deliveries whose sender died, until `stop` is set."""
    while not stop.is_set():
        try:
            if abandoned := await abandon():
                log.warning("deliveries_abandoned", count=abandoned)
        except Unavailable as error:
            log.warning("dispatcher_waits", error=str(error))
        await signals.wait(stop, ROUND)
