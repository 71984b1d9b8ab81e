"""Reads payers from the table of the roster."""

from uuid import UUID

from sqlalchemy import select

from adapters.sql.engine.database import Database
from adapters.sql.students.tables import students
from core.receipts.ports import Payers
from core.receipts.printed_receipt import Payer


class SqlPayers(Payers):
    """Reads students."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, student: UUID) -> Payer | None:
        columns = (students.c.name, students.c.registration, students.c.language, students.c.centre)
        async with self._database.reading() as connection:
            row = (await connection.execute(select(*columns).where(students.c.id == student))).mappings().first()
        return Payer(**row) if row else None
