"""The loops that send due deliveries: one per channel, so that no channel waits for a vendor of the other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import Counter

from core.notifications.delivery import Channel
from core.notifications.vendor_standing import VendorStanding
from core.use_cases import UseCases
from entrypoints.periodic import run_every

EXPIRED = Counter("bursar_deliveries_expired", "Deliveries that no vendor accepted before they expired")
OUTAGE_BACKOFF_SECONDS = 1.0
"""The pause between two attempts while the database is unavailable."""
DRAIN_SECONDS = 10.0
"""The time limit of a channel at shutdown: calls in flight are cancelled after 1 s, then their outcomes are stored."""
STANDINGS_INTERVAL_SECONDS = 1.0
CLAIM_EXPIRY_INTERVAL_SECONDS = 20.0
DELIVERY_EXPIRY_INTERVAL_SECONDS = 20.0


def dispatcher(use_cases: UseCases, stop: asyncio.Event) -> list[Awaitable[None]]:
    """Return the loops of a dispatcher."""
    standings = StandingsPublisher(use_cases)
    return [
        *(dispatch_channel(use_cases.dispatch.dispatch_deliveries, channel, stop) for channel in Channel),
        run_every(STANDINGS_INTERVAL_SECONDS, "vendor_standings", standings.publish, stop),
        run_every(DELIVERY_EXPIRY_INTERVAL_SECONDS, "deliveries_expired", expiry(use_cases), stop),
        run_every(CLAIM_EXPIRY_INTERVAL_SECONDS, "claims_expired", use_cases.notifications.expire_claims, stop),
    ]


def expiry(use_cases: UseCases) -> Callable[[], Awaitable[int]]:
    """Return the job that expires deliveries, and counts them."""

    async def expire() -> int:
        expired = await use_cases.notifications.expire_deliveries()
        EXPIRED.inc(expired)
        return expired

    return expire


async def dispatch_channel(
    deliver: Callable[[Channel, asyncio.Event], Awaitable[object]], channel: Channel, stop: asyncio.Event
) -> None:
    """Send the due deliveries of one channel until `stop` is set."""

    async def deliver_until_stopped() -> None:
        while not stop.is_set():
            await deliver(channel, stop)

    name = f"{channel}_dispatch"
    await run_every(OUTAGE_BACKOFF_SECONDS, name, deliver_until_stopped, stop, shutdown_seconds=DRAIN_SECONDS)


class StandingsPublisher:
    """Publishes the vendor standings of this process when they have changed."""

    def __init__(self, use_cases: UseCases) -> None:
        self._publish = use_cases.dispatch.publish_vendor_standings
        self._published: Sequence[VendorStanding] = ()

    async def publish(self) -> None:
        """Publish the standings that differ from the last published ones."""
        self._published = await self._publish(self._published)
