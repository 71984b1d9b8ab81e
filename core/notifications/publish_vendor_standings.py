"""Publish vendor standings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from core.kernel.authorization import Permission, requires
from core.notifications.messages import Email, Sms
from core.notifications.ports import VendorChannel, VendorStandings
from core.notifications.vendor_standing import VendorStanding

HEARTBEAT_INTERVAL = timedelta(seconds=15)


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class PublishVendorStandings:
    """Publish the standings of this process when a breaker or a hold changes, and as a heartbeat."""

    email: VendorChannel[Email]
    sms: VendorChannel[Sms]
    vendor_standings: VendorStandings
    process: str

    async def __call__(self, published: Sequence[VendorStanding] = ()) -> Sequence[VendorStanding]:
        """Return the standings that are published now; `published` are those of the last call."""
        present = [*self.email.standings(), *self.sms.standings()]
        if published and urgent(present) == urgent(published) and present[0].at < published[0].at + HEARTBEAT_INTERVAL:
            return published
        present = [replace(each, process=self.process) for each in present]
        await self.vendor_standings.publish(present)
        return present


def urgent(standings: Sequence[VendorStanding]) -> list[object]:
    """Return the breaker states and reasons, whose change is published at once."""
    return [(each.breaker, each.reason) for each in standings]
