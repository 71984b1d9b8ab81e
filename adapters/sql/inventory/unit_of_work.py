"""The unit of work of the inventory context in SQL."""

from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.inventory.skus import SqlOrderLines, SqlSkus
from adapters.sql.inventory.stock_projection import SqlStockProjection
from core.inventory.ports import InventoryWork
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction


class SqlInventoryUnitOfWork(SqlUnitOfWork, InventoryWork):
    """Skus, order lines and the stock projection."""

    def __init__(self, transactions: Transaction, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(transactions, clock, ids, within)
        self.skus = SqlSkus(self)
        self.order_lines = SqlOrderLines(self)
        self.stock_projection = SqlStockProjection(self)
