"""List receipts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.kernel.authorization import Permission, current_principal, requires
from core.kernel.clock import Clock
from core.receipts.ports import IssuedReceipts, Payers
from core.receipts.receipt import IssuedReceipt, ReceiptNumber, ReceiptTerms
from core.receipts.receipt_search import FeeNotNamed, ReceiptSearch
from core.receipts.show_receipt import is_reached

ALL = ReceiptSearch()


@requires(Permission.RECEIPTS_READ)
@dataclass(frozen=True, slots=True)
class ListReceipts:
    """List receipts, the newest first: of a fee, of a candidate, or of one series and financial year."""

    issued_receipts: IssuedReceipts
    payers: Payers
    clock: Clock
    terms: ReceiptTerms

    async def __call__(
        self, search: ReceiptSearch = ALL, *, before: str | None = None, limit: int = 50
    ) -> Sequence[IssuedReceipt]:
        """Return receipts before a number, by default of this office's series and this year.

        A candidate finds the own ones. Raises `FeeNotNamed` for a clerk, whose centre has no index of its receipts.
        """
        principal = current_principal.get()
        if principal.student is not None:
            search = replace(search, student=principal.student)
        elif principal.is_scoped and search.submission is None:
            raise FeeNotNamed("a clerk lists the receipts of one fee: name it with `fee`", at="$.fee")
        found = await self.issued_receipts.page(self._complete(search, before), limit)
        return found if not found or await is_reached(found[0], self.payers) else []

    def _complete(self, search: ReceiptSearch, before: str | None) -> ReceiptSearch:
        """Return the search with its place in the list, and with one series and year where it can find many."""
        place = ReceiptNumber.parse(before) if before else None
        if search.is_of_one_payer:
            return replace(search, before=place)
        series = search.series or (place.series if place else self.terms.series)
        year = search.year or (place.year if place else self.terms.financial_year(self.clock.now()))
        return replace(search, series=series, year=year, before=place)
