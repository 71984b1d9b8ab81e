"""Reads payers from the table of the roster."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from adapters.sql.engine.database import Database
from adapters.sql.students.tables import students
from core.kernel.batching import Batcher, PendingItem
from core.receipts.ports import Payers
from core.receipts.printed_receipt import Payer

COLUMNS = (students.c.id, students.c.name, students.c.registration, students.c.language, students.c.centre)


class SqlPayers(Payers):
    """Reads students; concurrent lookups share a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Batcher[UUID, Payer | None](self._look_up_batch)

    async def find(self, student: UUID) -> Payer | None:
        return await self._lookups(student)

    async def _look_up_batch(self, batch: Sequence[PendingItem[UUID, Payer | None]]) -> None:
        query = select(*COLUMNS).where(students.c.id.in_({each.item for each in batch}))
        async with self._database.reading() as connection:
            rows = [dict(row) for row in (await connection.execute(query)).mappings()]
        found = {row.pop("id"): Payer(**row) for row in rows}
        for each in batch:
            each.resolve(found.get(each.item))
