"""The unit of work of the payments context over the memory database."""

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.payments.accounts import MemoryFeeAccounts
from adapters.memory.payments.adjustments import MemoryAdjustments
from adapters.memory.payments.desk import MemoryCounterPayments
from adapters.memory.payments.webhooks import MemoryWebhooks
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.payments.ports import PaymentsUnitOfWork


class MemoryPaymentsUnitOfWork(MemoryUnitOfWork, PaymentsUnitOfWork):
    """Fee accounts, counter payments, adjustments and webhooks."""

    def __init__(self, database: MemoryDatabase, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(database, clock, ids, within)
        self.accounts = MemoryFeeAccounts(self)
        self.counter_payments = MemoryCounterPayments(self)
        self.adjustments = MemoryAdjustments(self)
        self.webhooks = MemoryWebhooks(self)
