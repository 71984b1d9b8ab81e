"""Fee accounts in the memory database."""

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from functools import partial
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.kernel.money import Money
from core.ledger.account import AccountKind, LedgerAccount
from core.payments.fee_account import FeeAccount
from core.payments.order import PaymentOrder
from core.payments.payment import Payment, Refund
from core.payments.ports import DueCheck, FeeAccounts, PaymentRecords, PostedFee


class MemoryFeeAccounts(FeeAccounts):
    """Accounts by submission; a caller gets a copy."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def lock(self, submissions: Collection[UUID], *, wait: bool = True) -> Mapping[UUID, FeeAccount]:  # noqa: ARG002 - nothing to wait for
        known = self._work.database.fee_accounts
        return {each: deepcopy(known[each]) for each in submissions if each in known}

    def add(self, account: FeeAccount) -> None:
        if account.submission not in self._work.database.fee_accounts:
            self.save(account)

    def save(self, account: FeeAccount) -> None:
        stored = deepcopy(account)
        stored.events = []
        known = self._work.database.fee_accounts
        self._work.inserts.append(partial(self._work.undo_log.put, known, account.submission, stored))


class MemoryPaymentRecords(PaymentRecords):
    """Searches all accounts."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def find(self, submission: UUID) -> PostedFee | None:
        if (account := self._database.fee_accounts.get(submission)) is None:
            return None
        return PostedFee(account=deepcopy(account), balance=self._balance(account))

    def _balance(self, account: FeeAccount) -> Money:
        candidate = LedgerAccount(AccountKind.CANDIDATE, str(account.student))
        posted = [each for each in self._database.ledger_transactions.values() if each.about == account.submission]
        return sum((each.effect_on(candidate) for each in posted), Money.zero(account.charged.currency))

    async def submissions_of(self, subjects: Collection[UUID]) -> Mapping[UUID, UUID]:
        return {
            each: account.submission
            for account in self._database.fee_accounts.values()
            for each in [each.id for each in account.orders] + [each.id for each in account.payments]
            if each in subjects
        }

    async def orders_of(self, gateway: str, gateway_orders: Collection[str]) -> Mapping[str, UUID]:
        orders = [each for account in self._database.fee_accounts.values() for each in account.orders]
        return {
            each.gateway_order: each.id
            for each in orders
            if each.gateway == gateway and each.gateway_order in gateway_orders
        }

    async def due_checks(self, now: datetime, limit: int) -> Sequence[DueCheck]:
        due = [
            (each.check_at, DueCheck(account.submission, each.id))
            for account in self._database.fee_accounts.values()
            for each in checked(account)
            if each.check_at and each.check_at <= now
        ]
        return [check for _, check in sorted(due, key=lambda each: each[0])][:limit]


def checked(account: FeeAccount) -> Sequence[PaymentOrder | Refund]:
    """Return the orders and refunds of an account."""
    payments: Sequence[Payment] = account.payments
    return [*account.orders, *(refund for payment in payments for refund in payment.refunds)]
