"""The standings of vendors that processes publish, in memory."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.notifications.ports import VendorStandings
from core.notifications.vendor_standing import VendorStanding

STANDING_RETENTION = timedelta(hours=1)


class MemoryVendorStandings(VendorStandings):
    """The last standings of each process."""

    def __init__(self) -> None:
        self._standings: list[VendorStanding] = []

    async def publish(self, standings: Sequence[VendorStanding]) -> None:
        first = standings[0]
        self._standings = [
            each
            for each in self._standings
            if each.process != first.process and each.at >= first.at - STANDING_RETENTION
        ]
        self._standings += standings

    async def since(self, moment: datetime) -> Sequence[VendorStanding]:
        recent = [each for each in self._standings if each.at >= moment]
        return sorted(recent, key=lambda each: (each.channel, each.vendor, each.process))
