"""Tell other processes how we stand with the vendors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from core.notifications.messages import Email, Sms
from core.notifications.ports import Outlet, VendorStandings
from core.notifications.vendors import VendorStanding

OFTEN_ENOUGH = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class ReportVendors:
    """Say it when a breaker has changed, and from time to time as a sign of life."""

    email: Outlet[Email]
    sms: Outlet[Sms]
    vendor_standings: VendorStandings
    process: str

    async def __call__(self, told: Sequence[VendorStanding] = ()) -> Sequence[VendorStanding]:
        """Return what others know now, given what they were `told` before."""
        present = [*self.email.standings(), *self.sms.standings()]
        if told and breakers(present) == breakers(told) and present[0].at < told[0].at + OFTEN_ENOUGH:
            return told
        present = [replace(each, process=self.process) for each in present]
        await self.vendor_standings.tell(present)
        return present


def breakers(standings: Sequence[VendorStanding]) -> list[object]:
    """Return what others should know at once."""
    return [each.breaker for each in standings]
