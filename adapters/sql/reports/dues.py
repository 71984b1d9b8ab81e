"""What was posted about the fees of a schedule in SQL."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from adapters.sql.engine.snapshot import snapshot
from adapters.sql.ledger.tables import ledger_transactions, postings
from adapters.sql.ledger.transactions import SAME
from adapters.sql.payments.rows import as_instalments
from adapters.sql.payments.tables import fee_accounts, payment_orders
from adapters.sql.reports.ledger import SqlReportBooks
from adapters.sql.students.tables import students
from core.ledger.account import AccountKind
from core.ledger.reports.waivers import waived_of_charge
from core.ledger.transaction import CHARGED, FINED, WAIVED
from core.payments.dues import Dues, FeeDue
from core.payments.order import PENDING

FEES_PER_PAGE = 1_000
"""Few enough that other requests of the process wait a few milliseconds for a page."""
account = fee_accounts.c
TOLD = (
    account.submission_id, account.student_id, account.reference, account.currency, account.pay_by,
    account.instalments, students.c.registration, students.c.centre,
)  # fmt: skip
stored = ledger_transactions.c


class Posted(NamedTuple):
    """What was added to the debt of a fee."""

    charged: int = 0
    fined: int = 0
    waived: int = 0
    """Negative, as are payments in the sum."""
    owed: int = 0


class SqlDues(Dues):
    """Reads the fees in the order of an index, and adds up the postings of a page of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pages(self, schedule: str, centre: str, before: datetime) -> AsyncGenerator[Sequence[FeeDue], None]:
        async with snapshot(self._database) as connection:
            undecided = await undecided_fees(connection, before)
            for cleared in (False, True):  # the index has the schedule and this, and then the fees in order
                after: UUID | None = None
                while rows := (await connection.execute(fees_of(schedule, after, cleared=cleared))).all():
                    after = rows[-1].submission_id
                    # Not in the query: a page whose fees are all of other centres would read on through the schedule.
                    if found := [row for row in rows if centre in ("", row.centre)]:
                        posted = await posted_about(connection, [row.submission_id for row in found], before)
                        with_parts = [row.submission_id for row in found if row.instalments]
                        waived = await waived_of_charges(connection, with_parts, before)
                        yield [due_of(row, posted.get(row.submission_id), undecided, waived) for row in found]


def fees_of(schedule: str, after: UUID | None, *, cleared: bool) -> Select[Any]:
    """Select the next fees of a schedule."""
    fees = fee_accounts.outerjoin(students, students.c.id == account.student_id)
    query = select(*TOLD).select_from(fees)
    query = query.where(account.schedule == schedule, account.cleared == cleared)
    if after:
        query = query.where(account.submission_id > after)
    return query.order_by(account.submission_id).limit(FEES_PER_PAGE)


async def posted_about(connection: AsyncConnection, fees: Collection[UUID], before: datetime) -> Mapping[UUID, Posted]:
    """Return what was posted about fees."""
    minor = case(
        (postings.c.debit.like(f"{AccountKind.CANDIDATE}:%"), postings.c.amount_minor), else_=-postings.c.amount_minor
    )
    sums = [func.sum(case((stored.kind.in_(kinds), minor), else_=0)) for kinds in (CHARGED, FINED, WAIVED)]
    query = select(stored.about_id, *sums, func.sum(minor)).join(postings, SAME).group_by(stored.about_id)
    rows = await connection.execute(query.where(stored.about_id.in_(fees), stored.at < before))
    return {fee: Posted(*map(int, told)) for fee, *told in rows}


async def waived_of_charges(
    connection: AsyncConnection, fees: Collection[UUID], before: datetime
) -> Mapping[UUID, int]:
    """Return what of the waivers of fees lowered no fine."""
    debts = await SqlReportBooks(connection).debts(fees)
    return {fee: waived_of_charge(debts.get(fee, ()), before) for fee in fees}


async def undecided_fees(connection: AsyncConnection, before: datetime) -> Collection[UUID]:
    """Return the fees of which an attempt that began before a moment may have debited the payer: few of all orders."""
    order = payment_orders.c
    query = select(order.submission_id).where(order.state.in_(PENDING), order.opened_at < before)
    return set(await connection.scalars(query))


def due_of(
    row: Row[Any], posted: Posted | None, undecided: Collection[UUID], waived_of_charges: Mapping[UUID, int]
) -> FeeDue:
    """Return what a fee is, with what was posted about it."""
    charged, fined, waived, owed = posted or Posted()
    return FeeDue(
        row.student_id, row.registration or "", row.reference, row.centre or "", row.currency, posted is not None,
        charged, fined, -waived, charged + fined + waived - owed, row.submission_id in undecided, row.pay_by,
        as_instalments(row.instalments), waived_of_charges.get(row.submission_id, 0),
    )  # fmt: skip
