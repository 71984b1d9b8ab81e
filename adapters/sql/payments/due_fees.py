"""Fees by what is due next, in SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select

from adapters.sql.engine.database import Database
from adapters.sql.payments.tables import fee_accounts
from core.payments.ports import DueFee, DueFees, DueStep

COLUMNS = {DueStep.FINE: fee_accounts.c.fine_at, DueStep.REMINDER: fee_accounts.c.remind_at}


class SqlDueFees(DueFees):
    """Reads an index by the moment; fees without a next step are not in its range."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, step: DueStep, now: datetime, after: DueFee | None, limit: int) -> Sequence[DueFee]:
        at, submission = COLUMNS[step], fee_accounts.c.submission_id
        query = select(at.label("at"), submission).where(at <= now)
        if after:
            query = query.where(or_(at > after.at, (at == after.at) & (submission > after.submission)))
        async with self._database.reading() as connection:
            rows = await connection.execute(query.order_by(at, submission).limit(limit))
            return [DueFee(row.at, row.submission_id) for row in rows]
