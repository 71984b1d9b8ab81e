"""List receipts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.receipts.ports import IssuedReceipts
from core.receipts.receipt import IssuedReceipt, ReceiptNumber, ReceiptTerms

BEYOND_ALL = 10**10
"""Greater than the number of any receipt."""


@requires(Permission.RECEIPTS_READ)
@dataclass(frozen=True, slots=True)
class ListReceipts:
    """List the receipts of an exam fee, or the newest ones of a financial year."""

    issued_receipts: IssuedReceipts
    clock: Clock
    terms: ReceiptTerms

    async def __call__(
        self, *, submission: UUID | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[IssuedReceipt]:
        """Return the receipts of a submission, or those before a number, by default of this year, newest first."""
        if submission is not None:
            return await self.issued_receipts.of_submission(submission)
        year = self.terms.financial_year(self.clock.now())
        newest = ReceiptNumber(series=self.terms.series, year=year, number=BEYOND_ALL)
        return await self.issued_receipts.newest(ReceiptNumber.parse(before) if before else newest, limit)
