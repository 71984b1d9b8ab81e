"""The unit of work of the ledger context in SQL."""

from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.ledger.transactions import SqlLedgerTransactions
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.ledger.ports import LedgerUnitOfWork


class SqlLedgerUnitOfWork(SqlUnitOfWork, LedgerUnitOfWork):
    """The transactions of the ledger."""

    def __init__(self, transactions: Transaction, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(transactions, clock, ids, within)
        self.transactions = SqlLedgerTransactions(self)
