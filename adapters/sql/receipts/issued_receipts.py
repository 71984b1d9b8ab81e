"""Reads receipts from SQL."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, select, tuple_

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from adapters.sql.receipts.tables import receipt_restorations as restorations
from adapters.sql.receipts.tables import receipt_voids as voids
from adapters.sql.receipts.tables import receipts
from core.kernel.batching import Batcher, PendingItem
from core.kernel.money import Money
from core.kernel.own_writes import View, combined, current_view
from core.receipts.ports import IssuedReceipts
from core.receipts.receipt import IssuedReceipt, ReceiptNumber, ReceiptVoid
from core.receipts.receipt_search import ReceiptSearch

PLACE = (receipts.c.year, receipts.c.series, receipts.c.number)
"""In lists, the newest of which is the greatest."""
FOUND_BY = (receipts.c.submission_id, receipts.c.student_id, receipts.c.schedule, receipts.c.series, receipts.c.year)
RESTORED = receipts.alias("restored")

Asked = tuple[UUID, View]
"""A submission, and what the request that asks for its receipts may see."""


def with_voids(some: FromClause) -> Select[Any]:
    """Select receipts with their voids, and the numbers that they restore."""
    void = (voids.c.at.label("voided_at"), voids.c.reason)
    restored = (RESTORED.c[name].label(f"restored_{name}") for name in ("series", "year", "number"))
    joined = (
        some.outerjoin(voids, voids.c.payment_id == some.c.payment_id)
        .outerjoin(restorations, restorations.c.payment_id == some.c.payment_id)
        .outerjoin(RESTORED, RESTORED.c.payment_id == restorations.c.restores)
    )
    return select(some, *void, *restored).select_from(joined)


STORED = with_voids(receipts)


class SqlIssuedReceipts(IssuedReceipts):
    """Reads receipts with their voids; concurrent searches for those of one fee each share a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._of_fees = Batcher[Asked, Sequence[IssuedReceipt]](self._look_up_batch)

    async def by_number(self, number: ReceiptNumber) -> IssuedReceipt | None:
        of_counter = (receipts.c.series == number.series) & (receipts.c.year == number.year)
        return await self._first(STORED.where(of_counter, receipts.c.number == number.number))

    async def by_code(self, code: str) -> IssuedReceipt | None:
        return await self._first(STORED.where(receipts.c.code == code))

    async def page(self, search: ReceiptSearch, limit: int) -> Sequence[IssuedReceipt]:
        if search.submission and search == ReceiptSearch(submission=search.submission, student=search.student):
            found = await self._of_fees((search.submission, current_view.get()))
            return newest_first(each for each in found if search.student in (None, each.student))[:limit]
        newest = [column.desc() for column in PLACE]
        # The page first: MySQL would join all voids with all receipts of the year, and sort them.
        page = with_voids(select(receipts).where(*conditions(search)).order_by(*newest).limit(limit).subquery())
        return newest_first(await self._all(page))

    async def _look_up_batch(self, batch: Sequence[PendingItem[Asked, Sequence[IssuedReceipt]]]) -> None:
        wanted, views = {each.item[0] for each in batch}, [each.item[1] for each in batch]
        of_fees = defaultdict[UUID, list[IssuedReceipt]](list)
        for found in await self._all(STORED.where(receipts.c.submission_id.in_(wanted)), combined(*views)):
            of_fees[found.submission].append(found)
        for each in batch:
            each.resolve(of_fees[each.item[0]])

    async def _first(self, query: Select[Any]) -> IssuedReceipt | None:
        return next(iter(await self._all(query)), None)

    async def _all(self, query: Select[Any], view: View | None = None) -> Sequence[IssuedReceipt]:
        async with browsing(self._database, view) as connection:
            return [receipt(row) for row in await connection.execute(query)]


def newest_first(found: Iterable[IssuedReceipt]) -> Sequence[IssuedReceipt]:
    """Return receipts in the order of lists."""
    return sorted(found, key=lambda each: ReceiptNumber.parse(each.number).place, reverse=True)


def conditions(search: ReceiptSearch) -> Iterator[ColumnElement[bool]]:
    """Yield what the rows of a search have in common."""
    wanted = (search.submission, search.student, search.schedule, search.series, search.year)
    for column, value in zip(FOUND_BY, wanted, strict=True):
        if value:
            yield column == value
    before, last = search.before, search.last
    if before and (search.year, search.series) == (before.year, before.series):
        last = min(last, before.number - 1)  # a range of one index
    elif before:
        yield tuple_(*PLACE) < before.place
    yield receipts.c.number.between(search.first, last)


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
