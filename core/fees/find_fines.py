"""Find the fines of a schedule."""

from dataclasses import dataclass

from core.fees.fines import FineRules
from core.fees.ports import ScheduleVersions
from core.kernel.authorization import Permission, requires


@requires(Permission.SCHEDULES_READ)
@dataclass(frozen=True, slots=True)
class FindFines:
    """Find what a version of a schedule says about late payments."""

    versions: ScheduleVersions

    async def __call__(self, code: str, version: int) -> FineRules:
        """Return its rules, none for a version that is not stored."""
        schedule = await self.versions.find(code, version)
        return schedule.fines if schedule else ()
