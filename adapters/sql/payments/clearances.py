"""The fees of a schedule in SQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Subquery, select, union_all

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from adapters.sql.payments.accounts import read_accounts
from adapters.sql.payments.tables import fee_accounts
from adapters.sql.students.tables import students
from core.payments.ports import Clearances, ListedFee


class SqlClearances(Clearances):
    """Reads two ranges of one index, the fees that are cleared and the others, so that no page sorts the schedule."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, schedule: str, centre: str, after: UUID | None, limit: int) -> Sequence[ListedFee]:
        ranges = [
            select(fees_of(schedule, centre, after, cleared=each).limit(limit).subquery()) for each in (False, True)
        ]
        both: Subquery = union_all(*ranges).subquery()
        async with browsing(self._database) as connection:
            rows = (await connection.execute(select(both).order_by(both.c.submission_id).limit(limit))).all()
            named = fee_accounts.c.submission_id.in_([row.submission_id for row in rows])
            accounts = await read_accounts(connection, select(fee_accounts).where(named))
        return [
            ListedFee(account=accounts[row.submission_id], registration=row.registration or "", centre=row.centre or "")
            for row in rows
        ]


def fees_of(schedule: str, centre: str, after: UUID | None, *, cleared: bool) -> Select[Any]:
    """Return the query of one range."""
    fees = fee_accounts.outerjoin(students, students.c.id == fee_accounts.c.student_id)
    query = select(fee_accounts.c.submission_id, students.c.registration, students.c.centre).select_from(fees)
    query = query.where(fee_accounts.c.schedule == schedule, fee_accounts.c.cleared == cleared)
    if after:
        query = query.where(fee_accounts.c.submission_id > after)
    if centre:
        query = query.where(students.c.centre == centre)
    return query.order_by(fee_accounts.c.submission_id)
