"""List fee schedules."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.fees.ports import Tariffs
from core.fees.schedule import FeeSchedule
from core.kernel.authorization import Permission, requires


@requires(Permission.SCHEDULES_READ)
@dataclass(frozen=True, slots=True)
class ListFeeSchedules:
    """List the fee schedules in force."""

    tariffs: Tariffs

    async def __call__(self) -> Sequence[FeeSchedule]:
        """Return the newest version of each schedule, ordered by code."""
        return await self.tariffs.all()
