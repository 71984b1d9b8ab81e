"""List the waivers that wait for a decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.payments.ports import Waivers
from core.payments.request_waiver import WaiverView


@dataclass(frozen=True, slots=True)
class WaiverPage:
    """Waivers that wait for a decision, the earliest requested first."""

    items: Sequence[WaiverView]
    next: UUID | None
    """Where the next page begins."""


@requires(Permission.PAYMENTS_READ)
@dataclass(frozen=True, slots=True)
class ListWaivers:
    """List the waivers that wait for a decision."""

    waivers: Waivers

    async def __call__(self, after: UUID | None, limit: int) -> WaiverPage:
        """Return up to `limit` of them."""
        found = await self.waivers.waiting(after, limit + 1)
        items = [WaiverView.of(each.submission, each.reference, each.waiver) for each in found[:limit]]
        return WaiverPage(items, items[-1].waiver if len(found) > limit else None)
