"""Void receipts of reversed payments."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.receipts.ports import NewReceiptsUnitOfWork
from core.receipts.receipt import ReceiptVoid


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class VoidReceipts:
    """Make the receipts of payments void that a bank took back; an earlier void stays as it is."""

    new_work: NewReceiptsUnitOfWork
    clock: Clock

    async def __call__(self, reasons: Mapping[UUID, str]) -> None:
        """Take the reasons by payment."""
        async with self.new_work() as work:
            voided = await work.receipts.voided(reasons)
            for payment, reason in reasons.items():
                if payment not in voided:
                    work.receipts.void(payment, ReceiptVoid(at=self.clock.now(), reason=reason))
            await work.commit()
