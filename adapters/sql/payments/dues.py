"""What was posted about the fees of a schedule in SQL."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from adapters.sql.engine.snapshot import snapshot
from adapters.sql.ledger.tables import ledger_transactions, postings
from adapters.sql.ledger.transactions import SAME
from adapters.sql.payments.tables import fee_accounts, payment_orders
from adapters.sql.students.tables import students
from core.ledger.account import AccountKind
from core.ledger.transaction import TransactionKind
from core.payments.dues import Dues, FeeDue
from core.payments.order import PENDING

FEES_PER_PAGE = 2_000
CHARGED = frozenset({TransactionKind.CHARGE})
FINED = frozenset({TransactionKind.FINE, TransactionKind.WITHDRAWAL})
WAIVED = frozenset({TransactionKind.WAIVER, TransactionKind.RETRACTION})
account = fee_accounts.c
TOLD = (
    account.submission_id, account.student_id, account.reference, account.currency, account.pay_by,
    students.c.registration, students.c.centre,
)  # fmt: skip
Posted = Mapping[str, int]
"""What each kind of transaction has added to the debt."""


class SqlDues(Dues):
    """Reads the fees in the order of an index, and adds up the postings of a page of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pages(self, schedule: str, centre: str, before: datetime) -> AsyncGenerator[Sequence[FeeDue], None]:
        async with snapshot(self._database) as connection:
            for cleared in (False, True):  # the index has the schedule and this, and then the fees in order
                after: UUID | None = None
                while rows := (await connection.execute(fees_of(schedule, after, cleared=cleared))).all():
                    after = rows[-1].submission_id
                    # Not in the query: a page whose fees are all of other centres would read on through the schedule.
                    if found := [row for row in rows if centre in ("", row.centre)]:
                        yield await dues_of(connection, found, before)


def fees_of(schedule: str, after: UUID | None, *, cleared: bool) -> Select[Any]:
    """Select the next fees of a schedule."""
    fees = fee_accounts.outerjoin(students, students.c.id == account.student_id)
    query = select(*TOLD).select_from(fees)
    query = query.where(account.schedule == schedule, account.cleared == cleared)
    if after:
        query = query.where(account.submission_id > after)
    return query.order_by(account.submission_id).limit(FEES_PER_PAGE)


async def dues_of(connection: AsyncConnection, rows: Sequence[Row[Any]], before: datetime) -> Sequence[FeeDue]:
    """Return what was posted about fees before a moment."""
    fees = [row.submission_id for row in rows]
    posted, undecided = await posted_about(connection, fees, before), await undecided_of(connection, fees, before)
    return [due_of(row, posted.get(row.submission_id, {}), row.submission_id in undecided) for row in rows]


async def posted_about(connection: AsyncConnection, fees: Collection[UUID], before: datetime) -> Mapping[UUID, Posted]:
    """Return what was posted about fees, by kind."""
    to_candidate = postings.c.debit.like(f"{AccountKind.CANDIDATE}:%")
    minor = func.sum(case((to_candidate, postings.c.amount_minor), else_=-postings.c.amount_minor))
    about, kind = ledger_transactions.c.about_id, ledger_transactions.c.kind
    query = select(about, kind, minor.label("minor")).join(postings, SAME).group_by(about, kind)
    found = defaultdict[UUID, dict[str, int]](dict)
    for row in await connection.execute(query.where(about.in_(fees), ledger_transactions.c.at < before)):
        found[row.about_id][row.kind] = int(row.minor)
    return found


async def undecided_of(connection: AsyncConnection, fees: Collection[UUID], before: datetime) -> Collection[UUID]:
    """Return the fees of which an attempt that began before a moment may have debited the payer."""
    order = payment_orders.c
    query = select(order.submission_id).where(order.submission_id.in_(fees), order.state.in_(PENDING))
    return set(await connection.scalars(query.where(order.opened_at < before)))


def due_of(row: Row[Any], posted: Posted, is_undecided: bool) -> FeeDue:
    """Return what a fee is, with what was posted about it."""
    charged, fined, waived = (sum(posted.get(kind, 0) for kind in kinds) for kinds in (CHARGED, FINED, WAIVED))
    return FeeDue(
        student=row.student_id,
        registration=row.registration or "",
        reference=row.reference,
        centre=row.centre or "",
        currency=row.currency,
        is_charged=bool(posted),
        charged=charged,
        fined=fined,
        waived=-waived,
        received=charged + fined + waived - sum(posted.values()),
        is_undecided=is_undecided,
        pay_by=row.pay_by,
    )
