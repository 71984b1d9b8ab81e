"""Erased students in SQL."""

from collections.abc import Collection
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, column, delete, func, literal, or_, select, table

from adapters.sql.engine.encrypted_columns import EncryptedColumns
from adapters.sql.engine.types import Id, Json
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.identity.erased_accounts import count_accounts, erase_accounts
from adapters.sql.messaging.tables import dead_letters
from adapters.sql.notifications.tables import deliveries
from adapters.sql.students.tables import erasures, students
from core.kernel.registration import fold
from core.students.ports import Erasures
from core.students.records_of_student import RecordsOfStudent
from core.students.student import Student

# Named here, because the readers of the fees context import the table of students.
submissions = table("submissions", column("student_id", Id()), column("document", Json))


class SqlErasures(Erasures):
    """Encrypted registrations: a database without its key does not tell who was erased."""

    def __init__(self, work: SqlUnitOfWork, encrypted: EncryptedColumns) -> None:
        self._work, self._encrypted = work, encrypted

    async def among(self, keys: Collection[str]) -> Collection[str]:
        if not keys:
            return ()
        rows = await (await self._work.connect()).execute(select(erasures.c.id, erasures.c.encrypted_registration))
        return {self._encrypted.decrypt(row, "encrypted_registration", row.id) for row in rows}.intersection(keys)

    async def records_of(self, student: Student) -> RecordsOfStudent:
        theirs = submissions.c.student_id == student.id
        is_named = func.instr(submissions.c.document, f'"registration":"{student.enrolment.registration}"') > 0
        return RecordsOfStudent(
            submissions=await self._count(theirs),
            deliveries=await self._count(deliveries.c.student_id == student.id),
            dead_letters=await self._count(names(student)),
            accounts=await count_accounts(await self._work.connect(), student.id),
            named=await self._count(and_(theirs, is_named)),
        )

    async def erase(self, student: Student) -> None:
        connection = await self._work.connect()
        await connection.execute(delete(students).where(students.c.id == student.id))
        await connection.execute(delete(dead_letters).where(names(student)))
        await erase_accounts(connection, student.id, self._work.clock.now())
        key, row = fold(student.enrolment.registration), {"id": uuid4()}  # without the time, which the audit has
        self._work.insert(erasures, self._encrypted.encrypt(row, {"encrypted_registration": key}))

    async def _count(self, which: ColumnElement[bool]) -> int:
        found: int | None = await (await self._work.connect()).scalar(select(func.count()).where(which))
        return found or 0


def names(student: Student) -> ColumnElement[bool]:
    """Return the condition that the body of a dead letter contains the registration in a usual spelling."""
    registration = student.enrolment.registration
    spellings = {registration, registration.lower(), registration.upper()}
    found: list[Any] = [func.instr(dead_letters.c.body, literal(f'"{each}"'.encode())) > 0 for each in spellings]
    return or_(*found)
