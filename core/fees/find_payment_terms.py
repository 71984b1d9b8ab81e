"""Find the payment terms of a schedule."""

from dataclasses import dataclass

from core.fees.fines import FineRules
from core.fees.instalments import InstalmentShares
from core.fees.ports import ScheduleVersions
from core.kernel.authorization import Permission, requires


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTerms:
    """What a version of a schedule says about its instalments and about late payments."""

    instalments: InstalmentShares = ()
    fines: FineRules = ()


@requires(Permission.SCHEDULES_READ)
@dataclass(frozen=True, slots=True)
class FindPaymentTerms:
    """Find how a fee of a version of a schedule is paid."""

    versions: ScheduleVersions

    async def __call__(self, code: str, version: int) -> PaymentTerms:
        """Return its terms, empty ones for a version that is not stored."""
        schedule = await self.versions.find(code, version)
        return PaymentTerms(instalments=schedule.instalments, fines=schedule.fines) if schedule else PaymentTerms()
