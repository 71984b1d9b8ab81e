"""The unit of work of the payments context in SQL."""

from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.payments.accounts import SqlFeeAccounts
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.payments.ports import PaymentsUnitOfWork


class SqlPaymentsUnitOfWork(SqlUnitOfWork, PaymentsUnitOfWork):
    """Fee accounts."""

    def __init__(self, transactions: Transaction, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(transactions, clock, ids, within)
        self.accounts = SqlFeeAccounts(self)
