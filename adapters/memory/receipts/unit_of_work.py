"""The unit of work of the receipts context over the memory database."""

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.receipts.receipts import MemoryReceipts
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.receipts.ports import ReceiptsUnitOfWork


class MemoryReceiptsUnitOfWork(MemoryUnitOfWork, ReceiptsUnitOfWork):
    """The receipts."""

    def __init__(self, database: MemoryDatabase, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(database, clock, ids, within)
        self.receipts = MemoryReceipts(self)
