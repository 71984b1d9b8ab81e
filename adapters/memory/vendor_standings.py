"""What processes say of the vendors, in a dictionary."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.notifications.ports import VendorStandings
from core.notifications.vendor_standing import VendorStanding

STANDING_RETENTION = timedelta(hours=1)


class MemoryVendorStandings(VendorStandings):
    """The last word of each process."""

    def __init__(self) -> None:
        self._told: list[VendorStanding] = []

    async def tell(self, standings: Sequence[VendorStanding]) -> None:
        first = standings[0]
        self._told = [
            each for each in self._told if each.process != first.process and each.at >= first.at - STANDING_RETENTION
        ]
        self._told += standings

    async def since(self, moment: datetime) -> Sequence[VendorStanding]:
        recent = [each for each in self._told if each.at >= moment]
        return sorted(recent, key=lambda each: (each.channel, each.vendor, each.process))
