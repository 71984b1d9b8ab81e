"""The unit of work of the notifications context in SQL."""

from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.notifications.deliveries import SqlDeliveries, SqlExpiringDeliveries
from adapters.sql.notifications.in_doubt_deliveries import SqlInDoubtDeliveries
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.notifications.ports import NotificationsWork


class SqlNotificationsUnitOfWork(SqlUnitOfWork, NotificationsWork):
    """Deliveries, pending and in doubt."""

    def __init__(self, transactions: Transaction, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(transactions, clock, ids, within)
        self.deliveries = SqlDeliveries(self)
        self.in_doubt_deliveries = SqlInDoubtDeliveries(self)
        self.expiring_deliveries = SqlExpiringDeliveries(self)
