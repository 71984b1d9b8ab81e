"""Void a receipt."""

from dataclasses import dataclass, replace
from typing import ClassVar

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.receipts.ports import IssuedReceipts, NewReceiptsUnitOfWork
from core.receipts.receipt import IssuedReceipt, ReceiptVoid, ReceiptVoided
from core.receipts.show_receipt import found_by_number


@requires(Permission.RECEIPTS_VOID)
@dataclass(frozen=True, slots=True)
class VoidReceipt:
    """Make a receipt void by decision of an officer: its number stays, marked; the payment stays as it is."""

    ACTION: ClassVar = "void-receipt"

    new_work: NewReceiptsUnitOfWork
    issued_receipts: IssuedReceipts
    clock: Clock

    async def __call__(self, number: str, decision: Decision) -> IssuedReceipt:
        """Return the void receipt; raise `UnknownReceipt`, or `ReceiptVoided`."""
        receipt = await found_by_number(self.issued_receipts, number)
        void = ReceiptVoid(at=self.clock.now(), reason=decision.why)
        async with self.new_work() as work:
            if await work.receipts.voided([receipt.payment]):
                raise ReceiptVoided(f"the receipt {receipt.number} is void already")
            work.receipts.void(receipt.payment, void)
            after = {"who": decision.who, "void": True}
            work.audit(Deed(action=self.ACTION, target=f"receipt/{number}", after=after, reason=decision.why))
            await work.commit()
        return replace(receipt, void=void)
