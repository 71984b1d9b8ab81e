"""Fees whose next fine may be due, in SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select

from adapters.sql.engine.database import Database
from adapters.sql.payments.tables import fee_accounts
from core.payments.ports import OverdueFee, OverdueFees


class SqlOverdueFees(OverdueFees):
    """Reads an index that only fees with a next fine are in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, now: datetime, after: OverdueFee | None, limit: int) -> Sequence[OverdueFee]:
        key = (fee_accounts.c.fine_at, fee_accounts.c.submission_id)
        query = select(*key).where(fee_accounts.c.fine_at <= now)
        if after:
            of_that_moment = (key[0] == after.fine_at) & (key[1] > after.submission)
            query = query.where(or_(key[0] > after.fine_at, of_that_moment))
        async with self._database.reading() as connection:
            rows = await connection.execute(query.order_by(*key).limit(limit))
            return [OverdueFee(row.fine_at, row.submission_id) for row in rows]
