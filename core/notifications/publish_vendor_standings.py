"""Tell other processes how we stand with the vendors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from core.notifications.messages import Email, Sms
from core.notifications.ports import VendorChannel, VendorStandings
from core.notifications.vendor_standing import VendorStanding

HEARTBEAT_INTERVAL = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class PublishVendorStandings:
    """Say it when a breaker has changed, and from time to time as a sign of life."""

    email: VendorChannel[Email]
    sms: VendorChannel[Sms]
    vendor_standings: VendorStandings
    process: str

    async def __call__(self, published: Sequence[VendorStanding] = ()) -> Sequence[VendorStanding]:
        """Return what others know now, given what they were `told` before."""
        present = [*self.email.standings(), *self.sms.standings()]
        if (
            published
            and breaker_states(present) == breaker_states(published)
            and present[0].at < published[0].at + HEARTBEAT_INTERVAL
        ):
            return published
        present = [replace(each, process=self.process) for each in present]
        await self.vendor_standings.tell(present)
        return present


def breaker_states(standings: Sequence[VendorStanding]) -> list[object]:
    """Return what others should know at once."""
    return [each.breaker for each in standings]
