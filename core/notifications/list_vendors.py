"""List how every process stands with the vendors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.notifications.ports import VendorReports
from core.notifications.vendors import VendorReport
from core.shared.clock import Clock

ALIVE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ListVendors:
    """Leave out whoever has said nothing for a minute: it is gone, and what it said is not so any more."""

    reports: VendorReports
    clock: Clock

    async def __call__(self) -> Sequence[VendorReport]:
        """Return the last report of each process, by channel, vendor and process."""
        return await self.reports.since(self.clock.now() - ALIVE)
