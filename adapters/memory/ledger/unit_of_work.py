"""The unit of work of the ledger context over the memory database."""

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.ledger.ledger import MemoryLedgerTransactions
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.ledger.ports import LedgerUnitOfWork


class MemoryLedgerUnitOfWork(MemoryUnitOfWork, LedgerUnitOfWork):
    """The transactions of the ledger."""

    def __init__(self, database: MemoryDatabase, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(database, clock, ids, within)
        self.transactions = MemoryLedgerTransactions(self)
