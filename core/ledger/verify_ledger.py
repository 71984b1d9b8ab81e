"""Verify the ledger."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.ledger.ports import Books, LedgerBooks

TRANSACTIONS_PER_PAGE = 20_000
OnProgress = Callable[[int], None]
"""Called for each page with the number of verified postings."""


@dataclass(slots=True)
class LedgerVerification:
    """What was verified, and the first disagreement."""

    transactions: int = 0
    postings: int = 0
    accounts: int = 0
    """Accounts whose stored sum was compared with their postings."""
    unposted: int = 0
    """Fees, payments and refunds whose event is not processed; `bursar replay` processes fees of an earlier release."""
    disagreement: str = ""
    """Empty: there is none."""


@requires(Permission.LEDGER_READ)
@dataclass(frozen=True, slots=True)
class VerifyLedger:
    """Compute everything anew: transactions from their postings and what they record, sums from all postings."""

    books: Books

    async def __call__(self, on_progress: OnProgress) -> LedgerVerification:
        """Return the first disagreement; raise `Unavailable`."""
        result, totals = LedgerVerification(), defaultdict[tuple[str, str], int](int)
        async with self.books.open() as books:
            async for page in books.pages(TRANSACTIONS_PER_PAGE):
                result.transactions += page.transactions
                result.postings += page.postings
                for total in page.totals:
                    totals[total.account, total.balance.currency] += total.balance.minor
                on_progress(result.postings)
                if page.fault:
                    result.disagreement = page.fault
                    return result
            result.unposted = await books.unposted()
            await compare(totals, books, result)
        return result


async def compare(totals: dict[tuple[str, str], int], books: LedgerBooks, result: LedgerVerification) -> None:
    """Compare the sums that balances are read from with the totals of all postings."""
    stored = {(each.account, each.balance.currency): each.balance.minor for each in await books.sums()}
    for account, currency in sorted(totals.keys() | stored.keys()):
        told, summed = stored.get((account, currency), 0), totals.get((account, currency), 0)
        if told != summed:
            result.disagreement = f"the balance of {account} reads {told} {currency}, and its postings sum to {summed}"
            return
        result.accounts += 1
