"""Reads whose fees they are in SQL."""

from uuid import UUID

from sqlalchemy import select

from adapters.sql.engine.database import Database
from adapters.sql.payments.tables import fee_accounts
from adapters.sql.students.tables import students
from core.ledger.ports import FeeOwner, FeeOwners

OWNERS = select(fee_accounts.c.student_id, students.c.centre).select_from(
    fee_accounts.outerjoin(students, students.c.id == fee_accounts.c.student_id)
)


class SqlFeeOwners(FeeOwners):
    """Reads fee accounts and the roster."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, submission: UUID) -> FeeOwner | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(OWNERS.where(fee_accounts.c.submission_id == submission))).first()
        return FeeOwner(row.student_id, row.centre or "") if row else None
