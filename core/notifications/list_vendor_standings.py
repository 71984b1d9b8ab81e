"""List how every process stands with the vendors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.kernel.clock import Clock
from core.notifications.ports import VendorStandings
from core.notifications.vendor_standing import VendorStanding

STALE_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ListVendorStandings:
    """Leave out whoever has said nothing for a minute: it is gone, and what it said is not so any more."""

    vendor_standings: VendorStandings
    clock: Clock

    async def __call__(self) -> Sequence[VendorStanding]:
        """Return the last word of each process, by channel, vendor and process."""
        return await self.vendor_standings.since(self.clock.now() - STALE_AFTER)
