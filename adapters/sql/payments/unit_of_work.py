"""The unit of work of the payments context in SQL."""

from adapters.sql.engine.encrypted_columns import EncryptedColumns
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.payments.accounts import SqlFeeAccounts
from adapters.sql.payments.adjustments import SqlAdjustments
from adapters.sql.payments.desk import SqlCounterPayments
from adapters.sql.payments.webhooks import SqlWebhooks
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.payments.ports import PaymentsUnitOfWork


class SqlPaymentsUnitOfWork(SqlUnitOfWork, PaymentsUnitOfWork):
    """Fee accounts, counter payments, adjustments and webhooks."""

    def __init__(
        self,
        transactions: Transaction,
        encrypted: EncryptedColumns,
        clock: Clock,
        ids: Ids,
        within: Transaction | None = None,
    ) -> None:
        super().__init__(transactions, clock, ids, within)
        self.accounts = SqlFeeAccounts(self)
        self.counter_payments = SqlCounterPayments(self)
        self.adjustments = SqlAdjustments(self)
        self.webhooks = SqlWebhooks(self, encrypted)
