"""The unit of work of the notifications context over the memory database."""

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.notifications.deliveries import MemoryDeliveries, MemoryExpiringDeliveries
from adapters.memory.notifications.in_doubt_deliveries import MemoryInDoubtDeliveries
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.notifications.ports import NotificationsWork


class MemoryNotificationsUnitOfWork(MemoryUnitOfWork, NotificationsWork):
    """Deliveries, pending and in doubt."""

    def __init__(self, database: MemoryDatabase, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(database, clock, ids, within)
        self.deliveries = MemoryDeliveries(self)
        self.in_doubt_deliveries = MemoryInDoubtDeliveries(self)
        self.expiring_deliveries = MemoryExpiringDeliveries(self)
