"""Due deliveries to the vendors: a lane for each channel, so that none waits for another's vendor."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from core.kernel.signals import Signals
from core.notifications.delivery import Channel
from core.notifications.vendor_standing import VendorStanding

log = structlog.get_logger()
OUTAGE_BACKOFF_SECONDS = 1.0
"""Seconds between tries while the database is away."""
STANDINGS_INTERVAL_SECONDS = 1.0
"""Seconds between looks at our own breakers."""
CLAIM_EXPIRY_INTERVAL_SECONDS = 20.0
"""Seconds between looks for deliveries whose sender died."""


async def dispatch(
    deliver: Callable[[Channel, asyncio.Event], Awaitable[object]], channel: Channel, stop: asyncio.Event
) -> None:
    """Send what is due on one channel until `stop` is set."""
    while not stop.is_set():
        try:
            await deliver(channel, stop)
        except Exception as error:  # a defect, too, must not end the process that answers candidates
            log.warning("dispatcher_backing_off", channel=channel, error=repr(error))
            await Signals.wait(stop, OUTAGE_BACKOFF_SECONDS)


async def expire_claims(abandon: Callable[[], Awaitable[int]], signals: Signals, stop: asyncio.Event) -> None:
    """Look after deliveries whose sender died, until `stop` is set."""
    while not stop.is_set():
        try:
            if abandoned := await abandon():
                log.warning("claims_expired", count=abandoned)
        except Exception as error:
            log.warning("dispatcher_backing_off", error=repr(error))
        await signals.wait(stop, CLAIM_EXPIRY_INTERVAL_SECONDS)


async def report_standings(
    tell: Callable[..., Awaitable[Sequence[VendorStanding]]], signals: Signals, stop: asyncio.Event
) -> None:
    """Let others know how we stand with the vendors, until `stop` is set."""
    told: Sequence[VendorStanding] = ()
    while not stop.is_set():
        try:
            told = await tell(told)
        except Exception as error:
            log.warning("dispatcher_backing_off", error=repr(error))
        await signals.wait(stop, STANDINGS_INTERVAL_SECONDS)
