"""Issue receipts."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.receipts.ports import DueReceipt, NewReceiptsUnitOfWork
from core.receipts.receipt import CODE_BYTES, ReceiptTerms, ReceivedPayment


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class IssueReceipts:
    """Issue one receipt for each payment; the numbers of all are drawn together, last before the commit."""

    new_work: NewReceiptsUnitOfWork
    clock: Clock
    terms: ReceiptTerms

    async def __call__(self, payments: Sequence[ReceivedPayment]) -> int:
        """Return how many were issued: none for a payment that has a receipt."""
        due = {each.payment: each for each in payments}
        async with self.new_work() as work:
            issued = await work.receipts.issued(due)
            new = [each for payment, each in due.items() if payment not in issued]
            for each in new:
                work.receipts.issue(self._receipt(each))
            await work.commit()
        return len(new)

    def _receipt(self, payment: ReceivedPayment) -> DueReceipt:
        return DueReceipt(
            payment=payment,
            series=self.terms.series,
            year=self.terms.financial_year(payment.paid_at),
            zone=self.terms.zone,
            issuer=self.terms.issuer,
            issued_at=self.clock.now(),
            code=secrets.token_urlsafe(CODE_BYTES),
        )
