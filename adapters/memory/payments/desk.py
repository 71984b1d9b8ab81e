"""Counter payments in the memory database, and the lists of the desk."""

from collections.abc import Sequence
from copy import copy
from functools import partial
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.payments.counter_payment import CounterPayment, CounterState
from core.payments.errors import DocumentUsed
from core.payments.payment import RefundStage
from core.payments.ports import CounterPayments, DeskRecords
from core.payments.refund_list import RefundSummary, summary_of


class MemoryCounterPayments(CounterPayments):
    """Counter payments by id; a caller gets a copy."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def lock(self, counter_payment: UUID) -> CounterPayment | None:
        found = self._work.database.counter_payments.get(counter_payment)
        return found and copy(found)

    def add(self, taken: CounterPayment) -> None:
        self._work.inserts.append(partial(self._insert, copy(taken)))

    def save(self, taken: CounterPayment) -> None:
        known = self._work.database.counter_payments
        self._work.inserts.append(partial(self._work.undo_log.put, known, taken.id, copy(taken)))

    def _insert(self, taken: CounterPayment) -> None:
        known = self._work.database.counter_payments
        used = [each for each in known.values() if each.number == taken.number]
        if any(each.state is not CounterState.REFUSED for each in used):
            raise DocumentUsed(f"the {taken.method} of this number has been handed in before", at="$.document")
        self._work.undo_log.put(known, taken.id, taken)


class MemoryDeskRecords(DeskRecords):
    """Searches all accounts."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def submission_of_refund(self, refund: UUID) -> UUID | None:
        return next((each.fee for each in self._refunds() if each.refund == refund), None)

    async def refunds(self, stage: RefundStage, after: UUID | None, limit: int) -> Sequence[RefundSummary]:
        found = [each for each in self._refunds() if each.stage is stage and (after is None or each.refund > after)]
        return sorted(found, key=lambda each: each.refund)[:limit]

    async def counter_payments(self, state: CounterState, after: UUID | None, limit: int) -> Sequence[CounterPayment]:
        known = self._database.counter_payments.values()
        found = [each for each in known if each.state is state and (after is None or each.id > after)]
        return sorted(found, key=lambda each: each.id)[:limit]

    def _refunds(self) -> Sequence[RefundSummary]:
        return [
            summary_of(account, payment, refund)
            for account in self._database.fee_accounts.values()
            for payment in account.payments
            for refund in payment.refunds
        ]
