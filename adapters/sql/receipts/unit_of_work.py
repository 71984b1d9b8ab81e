"""The unit of work of the receipts context in SQL."""

from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.receipts.receipts import SqlReceipts
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.receipts.ports import ReceiptsUnitOfWork


class SqlReceiptsUnitOfWork(SqlUnitOfWork, ReceiptsUnitOfWork):
    """The receipts."""

    def __init__(self, transactions: Transaction, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(transactions, clock, ids, within)
        self.receipts = SqlReceipts(self)
