"""The use cases of the ledger context."""

from dataclasses import dataclass

from core.ledger.add_up_postings import AddUpPostings
from core.ledger.post_transactions import PostTransactions
from core.ledger.reports.write_collection import WriteCollection
from core.ledger.reports.write_day_book import WriteDayBook
from core.ledger.show_balance import ShowBalance
from core.ledger.show_statement import ShowStatement
from core.ledger.verify_ledger import VerifyLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerUseCases:
    """Transactions, balances, their proof and their reports."""

    post_transactions: PostTransactions
    add_up_postings: AddUpPostings
    show_balance: ShowBalance
    show_statement: ShowStatement
    verify_ledger: VerifyLedger
    write_day_book: WriteDayBook
    write_collection: WriteCollection
