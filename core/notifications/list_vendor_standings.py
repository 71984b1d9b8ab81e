"""List vendor standings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.notifications.ports import VendorStandings
from core.notifications.vendor_standing import VendorStanding

STALE_AFTER = timedelta(minutes=1)


@requires(Permission.VENDORS_READ)
@dataclass(frozen=True, slots=True)
class ListVendorStandings:
    """List the standings of each process, except those that sent no heartbeat for a minute."""

    vendor_standings: VendorStandings
    clock: Clock

    async def __call__(self) -> Sequence[VendorStanding]:
        """Return the last standings of each process by channel, vendor and process."""
        return await self.vendor_standings.since(self.clock.now() - STALE_AFTER)
