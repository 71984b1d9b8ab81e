"""Take note of what a vendor tells us by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.kernel.clock import Clock
from core.notifications.errors import UnknownDelivery
from core.notifications.messages import delivery_id
from core.notifications.ports import NewNotificationsWork, VendorReports


@dataclass(frozen=True, slots=True)
class RecordVendorReport:
    """Believe a report that the vendor signed, however late and often it comes."""

    new_work: NewNotificationsWork
    reports: VendorReports
    clock: Clock

    async def __call__(self, name: str, fields: Sequence[tuple[str, str]], signature: str) -> None:
        """Return once it is stored; raise `ForgedReport`, `Invalid` or `UnknownDelivery`."""
        report = self.reports.read(delivery := delivery_id(name), fields, signature)
        async with self.new_work() as work:
            found = await work.cases.find(delivery)
            if found is None:
                raise UnknownDelivery(f"there is no delivery {delivery}")
            if found.hear(report, self.clock.now()):
                await work.cases.save(found)
                await work.commit()
