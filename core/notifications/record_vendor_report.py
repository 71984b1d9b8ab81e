"""Record a vendor report."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock
from core.notifications.errors import UnknownDelivery
from core.notifications.messages import parse_delivery_id
from core.notifications.ports import NewNotificationsWork, VendorReports


@open_to_all
@dataclass(frozen=True, slots=True)
class RecordVendorReport:
    """Apply a signed report of a vendor to its delivery; late and repeated reports are allowed."""

    new_work: NewNotificationsWork
    reports: VendorReports
    clock: Clock

    async def __call__(self, name: str, fields: Sequence[tuple[str, str]], signature: str) -> None:
        """Store the reported state; raise `ForgedReport`, `Invalid` or `UnknownDelivery`."""
        report = self.reports.read(delivery := parse_delivery_id(name), fields, signature)
        async with self.new_work() as work:
            found = await work.in_doubt_deliveries.find(delivery)
            if found is None:
                raise UnknownDelivery.named(name)
            if found.apply_report(report, self.clock.now()):
                await work.in_doubt_deliveries.save(found)
                await work.commit()
