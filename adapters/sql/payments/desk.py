"""Counter payments in SQL, and the lists of the desk."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine import conflicts
from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.conflicts import CONFLICTS
from adapters.sql.engine.database import Database
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.payments.tables import counter_payments, fee_accounts, payments, refunds
from core.kernel.errors import CoreError
from core.kernel.money import Money
from core.payments.counter_payment import CounterMethod, CounterPayment, CounterState
from core.payments.errors import DocumentUsed
from core.payments.payment import RefundStage
from core.payments.ports import CounterPayments, DeskRecords
from core.payments.refund_list import RefundSummary

SAME = ("id", "method", "number", "paid_at", "taken_by", "taken_at", "state", "decided_by", "why")


class SqlCounterPayments(CounterPayments):
    """Rows of one table."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def lock(self, counter_payment: UUID) -> CounterPayment | None:
        wanted = select(counter_payments).where(counter_payments.c.id == counter_payment).with_for_update()
        found = (await (await self._work.connect()).execute(wanted)).one_or_none()
        return as_counter_payment(found) if found else None

    def add(self, taken: CounterPayment) -> None:
        self._work.insert(counter_payments, as_row(taken))

    def save(self, taken: CounterPayment) -> None:
        self._work.change(counter_payments, as_row(taken))


class SqlDeskRecords(DeskRecords):
    """Reads of committed rows, without locks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def submission_of_refund(self, refund: UUID) -> UUID | None:
        async with self._database.reading() as connection:
            found: UUID | None = await connection.scalar(select(refunds.c.submission_id).where(refunds.c.id == refund))
            return found

    async def refunds(self, stage: RefundStage, after: UUID | None, limit: int) -> Sequence[RefundSummary]:
        named = (fee_accounts.c.reference, payments.c.gateway, payments.c.gateway_payment)
        query = (
            select(refunds, *named)
            .join_from(refunds, payments, payments.c.id == refunds.c.payment_id)
            .join(fee_accounts, fee_accounts.c.submission_id == refunds.c.submission_id)
            .where(refunds.c.stage == stage)
        )
        async with browsing(self._database) as connection:
            return [as_summary(row) for row in await connection.execute(page(query, refunds, after, limit))]

    async def counter_payments(self, state: CounterState, after: UUID | None, limit: int) -> Sequence[CounterPayment]:
        query = page(select(counter_payments).where(counter_payments.c.state == state), counter_payments, after, limit)
        async with browsing(self._database) as connection:
            return [as_counter_payment(row) for row in await connection.execute(query)]


def page(query: Select[Any], table: Any, after: UUID | None, limit: int) -> Select[Any]:
    """Return the part of a query that a page shows."""
    if after is not None:
        query = query.where(table.c.id > after)
    return query.order_by(table.c.id).limit(limit)


def as_row(taken: CounterPayment) -> dict[str, Any]:
    """Return the columns of a counter payment; the document of a refused one may be handed in again."""
    return {name: getattr(taken, name) for name in SAME} | {
        "submission_id": taken.submission,
        "number_in_use": None if taken.state is CounterState.REFUSED else taken.number,
        "currency": taken.amount.currency,
        "amount_minor": taken.amount.minor,
    }


def as_counter_payment(row: Row[Any]) -> CounterPayment:
    """Rebuild a counter payment from columns."""
    told = {name: getattr(row, name) for name in SAME}
    told |= {"method": CounterMethod(row.method), "state": CounterState(row.state)}
    return CounterPayment(submission=row.submission_id, amount=Money(row.amount_minor, row.currency), **told)


def as_summary(row: Row[Any]) -> RefundSummary:
    """Rebuild the summary of a refund from columns."""
    return RefundSummary(
        refund=row.id,
        payment=row.payment_id,
        fee=row.submission_id,
        reference=row.reference,
        gateway=row.gateway,
        gateway_payment=row.gateway_payment,
        amount=Money(row.amount_minor, row.currency),
        cause=row.cause,
        reason=row.reason,
        stage=RefundStage(row.stage),
        reserved_at=row.reserved_at,
        checks=row.checks,
    )


async def document_used(_connection: AsyncConnection, row: conflicts.Row) -> CoreError:
    """Return the error for a cheque or challan that pays a second time."""
    return DocumentUsed(f"the {row['method']} of this number has been handed in before", at="$.document")


counter_payments.info[CONFLICTS] = {"uq_counter_payments_number_in_use": document_used}
