"""The unit of work of the inventory context over the memory database."""

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.inventory.skus import MemoryOrderLines, MemorySkus
from adapters.memory.inventory.stock_views import MemoryStockProjection
from core.inventory.ports import InventoryWork
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction


class MemoryInventoryUnitOfWork(MemoryUnitOfWork, InventoryWork):
    """Skus, order lines and the stock projection."""

    def __init__(self, database: MemoryDatabase, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(database, clock, ids, within)
        self.skus = MemorySkus(self)
        self.order_lines = MemoryOrderLines(self.database)
        self.stock_projection = MemoryStockProjection(self)
