"""List adjustments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.money import Money
from core.payments.adjustment import Adjustment, AdjustmentKind, AdjustmentState, HeadChange
from core.payments.ports import AdjustmentRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentView:
    """A task as people see it."""

    adjustment: UUID
    fee: UUID
    reference: str
    schedule: str
    schedule_version: int
    """The corrected version."""
    kind: AdjustmentKind
    state: AdjustmentState
    before: Money
    """The price of the fee, without fines and waivers."""
    after: Money
    heads: Sequence[HeadChange]
    """Those that change."""
    asked_by: str
    """Who had the fees priced again, and so does not decide."""
    proposed_at: datetime
    decided_by: str
    """Empty before the decision."""
    decided_at: datetime | None
    why: str

    @classmethod
    def of(cls, adjustment: Adjustment) -> Self:
        """Return what people see."""
        same = ("reference", "schedule", "kind", "state", "before", "heads", "asked_by", "proposed_at")
        return cls(
            adjustment=adjustment.id,
            fee=adjustment.submission,
            schedule_version=adjustment.version,
            after=adjustment.before + adjustment.amount,
            **{name: getattr(adjustment, name) for name in (*same, "decided_by", "decided_at", "why")},
        )


@dataclass(frozen=True, slots=True)
class AdjustmentPage:
    """Adjustments of one state, in the order of their ids."""

    items: Sequence[AdjustmentView]
    next: UUID | None
    """Where the next page begins."""


@requires(Permission.PAYMENTS_READ)
@dataclass(frozen=True, slots=True)
class ListAdjustments:
    """List adjustments of one state."""

    adjustments: AdjustmentRecords

    async def __call__(self, state: AdjustmentState, after: UUID | None, limit: int) -> AdjustmentPage:
        """Return up to `limit` of them."""
        found = await self.adjustments.page(state, after, limit + 1)
        items = [AdjustmentView.of(each) for each in found[:limit]]
        return AdjustmentPage(items, items[-1].adjustment if len(found) > limit else None)
