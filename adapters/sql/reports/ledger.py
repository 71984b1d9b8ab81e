"""What reports read of the ledger in SQL, as of one moment."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from adapters.sql.engine.snapshot import snapshot
from adapters.sql.ledger.balances import add_up, before
from adapters.sql.ledger.tables import daily_sums, ledger_transactions, postings, unsummed_postings
from adapters.sql.ledger.transactions import SAME
from adapters.sql.payments.tables import fee_accounts
from adapters.sql.receipts.tables import receipts
from core.kernel.period import Period
from core.ledger.account import AccountKind, LedgerAccount
from core.ledger.ports import AccountTotal
from core.ledger.reports.ports import BookedPosting, Movement, ReportBooks, Reports
from core.ledger.transaction import DEBTS, RECEIPTED, TransactionKind
from core.receipts.receipt import ReceiptNumber

TRANSACTIONS_PER_PAGE = 500
"""Few enough that other requests of the process wait a few milliseconds for a page."""
stored = ledger_transactions.c
ORDER = (stored.at, stored.cause_id, stored.kind)
CANDIDATE = f"{AccountKind.CANDIDATE}:"


class SqlReports(Reports):
    """Opens a snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ReportBooks]:
        async with snapshot(self._database) as connection:
            yield SqlReportBooks(connection)


class SqlReportBooks(ReportBooks):
    """Reads the transactions of a period in the order of an index, a page of them at a time."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def balances(self, moment: datetime) -> Sequence[AccountTotal]:
        named = union(select(daily_sums.c.account), select(unsummed_postings.c.account)).subquery()
        names = await self._connection.scalars(select(named.c.account).order_by(named.c.account))
        return [
            AccountTotal(name, balance)
            for name in names.all()
            for balance in await add_up(self._connection, before(LedgerAccount.parse(name), moment))
        ]

    async def postings(self, period: Period) -> AsyncIterator[Sequence[BookedPosting]]:
        async for rows in self._pages(period, with_receipts=True):
            yield [booked(row) for row in rows]

    async def movements(self, period: Period, schedule: str) -> AsyncIterator[Sequence[Movement]]:
        async for rows in self._pages(period, with_receipts=False):
            found = [row for row in rows if row.kind != TransactionKind.SETTLEMENT]
            yield [moved(row) for row in found if schedule in ("", row.schedule)]

    async def debts(self, fees: Collection[UUID]) -> Mapping[UUID, Sequence[Movement]]:
        found = defaultdict[UUID, list[Movement]](list)
        if fees:
            about = select(ledger_transactions.c.about_id, fee_accounts.c.schedule, postings).join(postings, SAME)
            about = about.outerjoin(fee_accounts, fee_accounts.c.submission_id == stored.about_id)
            query = about.where(stored.about_id.in_(fees), stored.kind.in_(DEBTS))
            for row in await self._connection.execute(query):
                found[row.about_id].append(moved(row))
        return found

    async def _pages(self, period: Period, *, with_receipts: bool) -> AsyncIterator[Sequence[Row[Any]]]:
        after: Sequence[Any] | None = None
        while rows := (await self._connection.execute(page(period, after, with_receipts=with_receipts))).all():
            yield rows
            after = (rows[-1].at, rows[-1].cause_id, rows[-1].kind)


def page(period: Period, after: Sequence[Any] | None, *, with_receipts: bool) -> Select[Any]:
    """Select the next postings of a period, with the fees that they are about."""
    wanted = select(ledger_transactions).where(stored.at >= (after[0] if after else period.since))
    wanted = wanted.where(stored.at < period.until, *([following(after)] if after else []))
    some = wanted.order_by(*ORDER).limit(TRANSACTIONS_PER_PAGE).subquery("some").c
    same = (postings.c.cause_id == some.cause_id) & (postings.c.kind == some.kind)
    query = select(some.about_id, fee_accounts.c.reference, fee_accounts.c.schedule, postings)
    query = query.join_from(some.cause_id.table, postings, same)
    query = query.outerjoin(fee_accounts, fee_accounts.c.submission_id == some.about_id)
    if with_receipts:
        paid = (receipts.c.payment_id == some.cause_id) & some.kind.in_(RECEIPTED)
        query = query.add_columns(receipts.c.series, receipts.c.year, receipts.c.number.label("receipt"))
        query = query.outerjoin(receipts, paid)
    return query.order_by(some.at, some.cause_id, some.kind, postings.c.number)


def following(after: Sequence[Any]) -> ColumnElement[bool]:
    """Return the condition of what comes after a transaction."""
    at, cause, kind = after
    same_time = and_(stored.at == at, stored.cause_id > cause)
    return or_(stored.at > at, same_time, and_(stored.at == at, stored.cause_id == cause, stored.kind > kind))


def booked(row: Row[Any]) -> BookedPosting:
    """Return the posting of a row."""
    number = str(ReceiptNumber(series=row.series, year=row.year, number=row.receipt)) if row.receipt else ""
    return BookedPosting(
        row.at, row.kind, row.reference or "", number, row.debit, row.credit, row.currency, row.amount_minor
    )


def moved(row: Row[Any]) -> Movement:
    """Return what the posting of a row changes for the candidate."""
    owes_more = row.debit.startswith(CANDIDATE)
    other = LedgerAccount.parse(row.credit if owes_more else row.debit)
    minor = row.amount_minor if owes_more else -row.amount_minor
    kind = TransactionKind(row.kind)
    return Movement(row.at, row.about_id, row.schedule or "", kind, other, row.currency, minor)
