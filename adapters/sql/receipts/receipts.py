"""Receipts in SQL."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.conflicts import CONFLICTS
from adapters.sql.engine.conflicts import Row as ConflictingRow
from adapters.sql.engine.inserts import COMPLETED_LAST
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.receipts.numbers import with_numbers
from adapters.sql.receipts.tables import receipt_restorations, receipt_voids, receipts
from core.kernel.errors import CoreError, GaveWay
from core.receipts.ports import DueReceipt, Receipts
from core.receipts.receipt import ReceiptVoid


class SqlReceipts(Receipts):
    """A row for each receipt, which is never changed, and for each void."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def issued(self, payments: Collection[UUID]) -> Collection[UUID]:
        return await self._stored(receipts.c.payment_id, payments)

    def issue(self, receipt: DueReceipt) -> None:
        paid = receipt.payment
        row = {
            "series": receipt.series,
            "year": receipt.year,
            "payment_id": paid.payment,
            "submission_id": paid.submission,
            "student_id": paid.student,
            "reference": paid.reference,
            "schedule": paid.schedule,
            "currency": paid.amount.currency,
            "amount_minor": paid.amount.minor,
            "method": paid.method,
            "paid_at": paid.paid_at,
            "zone": receipt.zone,
            "issuer": receipt.issuer,
            "issued_at": receipt.issued_at,
            "code": receipt.code,
        }
        self._work.insert(receipts, row)
        if paid.restores:
            self._work.insert(receipt_restorations, {"payment_id": paid.payment, "restores": paid.restores})

    async def voided(self, payments: Collection[UUID]) -> Collection[UUID]:
        return await self._stored(receipt_voids.c.payment_id, payments)

    def void(self, payment: UUID, void: ReceiptVoid) -> None:
        self._work.insert(receipt_voids, {"payment_id": payment, "at": void.at, "reason": void.reason})

    async def _stored(self, column: Column[UUID], payments: Collection[UUID]) -> Collection[UUID]:
        connection = await self._work.connect()
        return set(await connection.scalars(select(column).where(column.in_(payments))))


async def stored_meanwhile(_connection: AsyncConnection, _row: ConflictingRow) -> CoreError:
    """Return the error for two units of work about one payment: a retry finds the receipt of the other one."""
    return GaveWay("another request works on the receipt of the same payment; send it again", retry_after=1)


receipts.info[COMPLETED_LAST] = with_numbers
receipts.info[CONFLICTS] = {"uq_receipts_payment": stored_meanwhile}
receipt_restorations.info[CONFLICTS] = {"pk_receipt_restorations": stored_meanwhile}
receipt_voids.info[CONFLICTS] = {"pk_receipt_voids": stored_meanwhile}
