"""List refunds."""

from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.payments.payment import RefundStage
from core.payments.ports import DeskRecords
from core.payments.refund_list import RefundPage


@requires(Permission.PAYMENTS_READ)
@dataclass(frozen=True, slots=True)
class ListRefunds:
    """Return refunds of one stage; unknown ones wait for a person, and reserved ones for a gateway or a clerk."""

    desk: DeskRecords

    async def __call__(self, stage: RefundStage, after: UUID | None, limit: int) -> RefundPage:
        """Return a page of them."""
        found = await self.desk.refunds(stage, after, limit + 1)
        items = found[:limit]
        return RefundPage(items, items[-1].refund if len(found) > limit else None)
