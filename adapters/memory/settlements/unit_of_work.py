"""The unit of work of the settlements context over the memory database."""

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.settlements.settlements import (
    MemoryCollected,
    MemorySettlementExceptions,
    MemorySettlementLines,
)
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.settlements.ports import SettlementsUnitOfWork


class MemorySettlementsUnitOfWork(MemoryUnitOfWork, SettlementsUnitOfWork):
    """Lines and exceptions of settlement files."""

    def __init__(self, database: MemoryDatabase, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(database, clock, ids, within)
        self.lines = MemorySettlementLines(self)
        self.collected = MemoryCollected(self)
        self.exceptions = MemorySettlementExceptions(self)
