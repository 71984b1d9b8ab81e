"""What processes say of the vendors, in a dictionary."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.notifications.ports import VendorReports
from core.notifications.vendors import VendorReport

FORGOTTEN = timedelta(hours=1)


class MemoryVendorReports(VendorReports):
    """The last word of each process."""

    def __init__(self) -> None:
        self._told: list[VendorReport] = []

    async def tell(self, reports: Sequence[VendorReport]) -> None:
        first = reports[0]
        self._told = [each for each in self._told if each.process != first.process and each.at >= first.at - FORGOTTEN]
        self._told += reports

    async def since(self, moment: datetime) -> Sequence[VendorReport]:
        recent = [each for each in self._told if each.at >= moment]
        return sorted(recent, key=lambda each: (each.channel, each.vendor, each.process))
