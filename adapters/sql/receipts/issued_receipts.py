"""Reads receipts from SQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from adapters.sql.engine.database import Database
from adapters.sql.receipts.tables import receipt_restorations as restorations
from adapters.sql.receipts.tables import receipt_voids as voids
from adapters.sql.receipts.tables import receipts
from core.kernel.money import Money
from core.receipts.ports import IssuedReceipts
from core.receipts.receipt import IssuedReceipt, ReceiptNumber, ReceiptVoid

NUMBER = (receipts.c.series, receipts.c.year, receipts.c.number)
RESTORED = receipts.alias("restored")
STORED = (
    select(
        receipts,
        voids.c.at.label("voided_at"),
        voids.c.reason,
        *(RESTORED.c[name].label(f"restored_{name}") for name in ("series", "year", "number")),
    )
    .outerjoin(voids, voids.c.payment_id == receipts.c.payment_id)
    .outerjoin(restorations, restorations.c.payment_id == receipts.c.payment_id)
    .outerjoin(RESTORED, RESTORED.c.payment_id == restorations.c.restores)
)


class SqlIssuedReceipts(IssuedReceipts):
    """Reads receipts with their voids."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_number(self, number: ReceiptNumber) -> IssuedReceipt | None:
        of_counter = (receipts.c.series == number.series) & (receipts.c.year == number.year)
        return await self._first(STORED.where(of_counter, receipts.c.number == number.number))

    async def by_code(self, code: str) -> IssuedReceipt | None:
        return await self._first(STORED.where(receipts.c.code == code))

    async def of_submission(self, submission: UUID) -> Sequence[IssuedReceipt]:
        return await self._all(STORED.where(receipts.c.submission_id == submission).order_by(*NUMBER))

    async def newest(self, before: ReceiptNumber, limit: int) -> Sequence[IssuedReceipt]:
        of_counter = (receipts.c.series == before.series) & (receipts.c.year == before.year)
        earlier = STORED.where(of_counter, receipts.c.number < before.number)
        return await self._all(earlier.order_by(receipts.c.number.desc()).limit(limit))

    async def _first(self, query: Select[Any]) -> IssuedReceipt | None:
        return next(iter(await self._all(query)), None)

    async def _all(self, query: Select[Any]) -> Sequence[IssuedReceipt]:
        async with self._database.reading() as connection:
            return [receipt(row) for row in await connection.execute(query)]


def receipt(row: Any) -> IssuedReceipt:
    """Return the receipt of a row."""
    is_restored = row.restored_number is not None
    replaced = ReceiptNumber(series=row.restored_series, year=row.restored_year, number=row.restored_number)
    return IssuedReceipt(
        number=str(ReceiptNumber(series=row.series, year=row.year, number=row.number)),
        payment=row.payment_id,
        submission=row.submission_id,
        student=row.student_id,
        reference=row.reference,
        schedule=row.schedule,
        amount=Money(row.amount_minor, row.currency),
        method=row.method,
        paid_at=row.paid_at,
        zone=row.zone,
        issuer=row.issuer,
        issued_at=row.issued_at,
        code=row.code,
        replaces=str(replaced) if is_restored else "",
        void=ReceiptVoid(at=row.voided_at, reason=row.reason) if row.voided_at else None,
    )
