"""The unit of work of the settlements context in SQL."""

from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.settlements.exceptions import SqlSettlementExceptions
from adapters.sql.settlements.lines import SqlCollected, SqlSettlementLines
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.settlements.ports import SettlementsUnitOfWork


class SqlSettlementsUnitOfWork(SqlUnitOfWork, SettlementsUnitOfWork):
    """Lines and exceptions of settlement files."""

    def __init__(self, transactions: Transaction, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(transactions, clock, ids, within)
        self.lines = SqlSettlementLines(self)
        self.collected = SqlCollected(self)
        self.exceptions = SqlSettlementExceptions(self)
