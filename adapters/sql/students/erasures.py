"""Erased students in SQL."""

from collections.abc import Collection, Sequence
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, column, delete, func, select, table

from adapters.sql.engine.encrypted_columns import EncryptedColumns
from adapters.sql.engine.types import Id, Json
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.identity.erased_accounts import count_accounts, erase_accounts
from adapters.sql.messaging.tables import dead_letters
from adapters.sql.notifications.tables import deliveries
from adapters.sql.students.tables import erasures, students
from core.kernel.encryption import Undecipherable
from core.kernel.registration import fold
from core.students.named_registration import NamedRegistration
from core.students.ports import Erasures
from core.students.records_of_student import RecordsOfStudent
from core.students.student import Student

LETTERS_PER_PAGE = 500
DIGEST = "registration_digest"
REMEDY = "add the key that `bursar encryption rotate` names to encryption.keys, after the current one"

# Named here, because the readers of the fees context import the table of students.
submissions = table("submissions", column("student_id", Id()), column("document", Json))


class SqlErasures(Erasures):
    """Encrypted registrations: a database without its key does not tell who was erased."""

    def __init__(self, work: SqlUnitOfWork, encrypted: EncryptedColumns) -> None:
        self._work, self._encrypted = work, encrypted

    async def among(self, keys: Collection[str]) -> Collection[str]:
        if not keys:
            return ()
        digests = {digest: key for key in keys for digest in self._encrypted.digests(DIGEST, key)}
        stored, is_foreign = select(erasures.c.registration_digest), self._encrypted.is_foreign(DIGEST)
        foreign = select(stored.where(is_foreign).limit(1).subquery().c.registration_digest)
        query = stored.where(erasures.c.registration_digest.in_(digests)).union_all(foreign)
        found = set(await (await self._work.connect()).scalars(query))
        erased = {digests[each] for each in found if each in digests}
        if len(erased) < len(keys) and found - digests.keys():
            others = await self._count(is_foreign)
            raise Undecipherable(f"{others:,} of the erased students cannot be compared with a registration: {REMEDY}")
        return erased

    async def records_of(self, student: Student) -> RecordsOfStudent:
        theirs = submissions.c.student_id == student.id
        is_named = func.instr(submissions.c.document, f'"registration":"{student.enrolment.registration}"') > 0
        return RecordsOfStudent(
            submissions=await self._count(theirs),
            deliveries=await self._count(deliveries.c.student_id == student.id),
            dead_letters=len(await self._letters(student)),
            accounts=await count_accounts(await self._work.connect(), student.id),
            named=await self._count(and_(theirs, is_named)),
        )

    async def erase(self, student: Student) -> None:
        connection = await self._work.connect()
        await connection.execute(delete(students).where(students.c.id == student.id))
        for letter in await self._letters(student):
            await connection.execute(delete(dead_letters).where(*letter))
        await erase_accounts(connection, student.id, self._work.clock.now())
        key, row = fold(student.enrolment.registration), {"id": uuid4()}  # without the time, which the audit has
        self._work.insert(erasures, self._encrypted.encrypt(row, {"encrypted_registration": key}))

    async def _letters(self, student: Student) -> list[Sequence[ColumnElement[bool]]]:
        """Return the conditions that select each dead letter that names the student; it reads them all."""
        connection, named = await self._work.connect(), NamedRegistration(student.enrolment.registration)
        consumer, message = dead_letters.c.consumer, dead_letters.c.message_id
        found, beyond = list[Sequence[ColumnElement[bool]]](), list[ColumnElement[bool]]()
        query = select(consumer, message, dead_letters.c.body).order_by(consumer, message).limit(LETTERS_PER_PAGE)
        while rows := (await connection.execute(query.where(*beyond))).all():
            found += [(consumer == row.consumer, message == row.message_id) for row in rows if named.is_in(row.body)]
            last = rows[-1]
            beyond = [consumer >= last.consumer, (consumer > last.consumer) | (message > last.message_id)]
        return found

    async def _count(self, which: ColumnElement[bool]) -> int:
        found: int | None = await (await self._work.connect()).scalar(select(func.count()).where(which))
        return found or 0
