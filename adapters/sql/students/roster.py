"""The roster in SQL, and its readers for the fees and notifications contexts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, select

from adapters.cryptography.column_encryption import ColumnCipher
from adapters.sql.engine.conflicts import CONFLICTS, concurrent_change
from adapters.sql.engine.database import Database
from adapters.sql.engine.encrypted_columns import EncryptedColumns, EncryptionState
from adapters.sql.engine.lookups import look_up
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.students.tables import erasures, students
from core.fees.candidate import Candidate
from core.fees.candidate import StudentId as CandidateId
from core.fees.errors import UnknownCandidate
from core.fees.ports import Candidates
from core.kernel.batching import Batcher, PendingItem
from core.kernel.encryption import Undecipherable
from core.kernel.registration import registration_key
from core.notifications.delivery import RecipientId
from core.notifications.errors import UnreadableContact
from core.notifications.messages import Contact
from core.notifications.ports import Contacts
from core.students.ports import Students
from core.students.student import Enrolment, Student, StudentId, UnreadableStudent

as_certificates = msgspec.json.Decoder(frozenset[str]).decode
CANDIDATES = select(students.c.registration_key, *(students.c[each.name] for each in fields(Candidate)))
CONTACT_COLUMNS = ("id", "name", "language", "email", "phone", "encrypted_email", "encrypted_phone")


class SqlStudents(Students):
    """Students as rows of one table."""

    def __init__(self, work: SqlUnitOfWork, encrypted: EncryptedColumns) -> None:
        self._work, self._encrypted = work, encrypted
        self._keep_plain = False

    async def find(self, registration: str) -> Student | None:
        key = registration_key(registration)
        return (await self._find([key], select(students))).get(key) if key else None

    async def lock(self, keys: Collection[str]) -> Mapping[str, Student]:
        state = await self._encrypted.state(await self._work.connect())
        self._keep_plain = state is EncryptionState.PLAIN
        return await self._find(keys, select(students).with_for_update())

    def add(self, student: Student) -> None:
        self._work.insert(students, self._as_row(student))

    def replace(self, student: Student) -> None:
        self._work.change(students, self._as_row(student))

    def _as_row(self, student: Student) -> dict[str, Any]:
        texts = {"encrypted_email": student.enrolment.email, "encrypted_phone": student.enrolment.phone}
        return self._encrypted.encrypt(as_row(student), texts, keep_plain=self._keep_plain)

    async def _find(self, keys: Collection[str], query: Select[Any]) -> Mapping[str, Student]:
        if not keys:
            return {}
        # Sorted: two transactions that lock the same students do so in the same order.
        wanted = query.where(students.c.registration_key.in_(sorted(keys)))
        connection = await self._work.connect()
        rows = (await connection.execute(wanted)).all()
        if any(map(self._encrypted.is_plain, rows)):
            await self._encrypted.check_plain(connection)
        return {row.registration_key: from_row(row, self._encrypted) for row in rows}


class SqlCandidates(Candidates):
    """Reads candidates for the fees context; concurrent lookups share a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Batcher[str, Candidate | None](self._find)

    async def find(self, registration: str) -> Candidate:
        key = registration_key(registration)  # a text that cannot be stored would enlarge the shared query
        found = await self._lookups(key) if key else None
        if found is None:
            raise UnknownCandidate.registered(registration)
        return found

    async def _find(self, batch: Sequence[PendingItem[str, Candidate | None]]) -> None:
        async with self._database.reading() as connection:
            (found,) = await look_up(connection, [CANDIDATES], [each.item for each in batch])
        for each in batch:
            rows = found[each.item]
            each.resolve(candidate(*rows[0]) if rows else None)


def candidate(
    student: UUID, registration: str, name: str, category: str, country: str, centre: str, certificates: str
) -> Candidate:
    """Return the candidate of a row, whose cells are in the order of the fields."""
    return Candidate(
        id=CandidateId(student),
        registration=registration,
        name=name,
        category=category,
        country=country,
        centre=centre,
        certificates=as_certificates(certificates),
    )


class SqlContacts(Contacts):
    """Reads contacts for the notifications context."""

    def __init__(self, database: Database, encrypted: EncryptedColumns) -> None:
        self._database, self._encrypted = database, encrypted

    async def of(self, recipients: Collection[RecipientId]) -> Mapping[RecipientId, Contact | UnreadableContact]:
        query = select(*(students.c[name] for name in CONTACT_COLUMNS)).where(students.c.id.in_(recipients))
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
            if any(map(self._encrypted.is_plain, rows)):
                await self._encrypted.check_plain(connection)
        return {RecipientId(row.id): self._contact(row) for row in rows}

    def _contact(self, row: Row[Any]) -> Contact | UnreadableContact:
        contacts, faults = addresses(row, self._encrypted)
        if faults:
            return UnreadableContact("; ".join(faults.values()))
        return Contact(name=row.name, language=row.language, **contacts)


def encrypted_contacts(cipher: ColumnCipher) -> EncryptedColumns:
    """Return the encryption of the contact columns."""
    return EncryptedColumns(students, cipher)


def encrypted_erasures(cipher: ColumnCipher) -> EncryptedColumns:
    """Return the encryption of the registrations that were erased."""
    return EncryptedColumns(erasures, cipher)


def addresses(row: Row[Any], encrypted: EncryptedColumns) -> tuple[dict[str, str], dict[str, str]]:
    """Return the contact fields of a row, and what is wrong with those that cannot be decrypted, which are empty."""
    found, faults = dict.fromkeys(("email", "phone"), ""), dict[str, str]()
    for name in found:
        try:
            found[name] = encrypted.decrypt(row, f"encrypted_{name}", row.id)
        except Undecipherable as error:
            faults[name] = str(error)
    return found, faults


def from_row(row: Row[Any], encrypted: EncryptedColumns) -> Student:
    """Return the student of a row."""
    contacts, faults = addresses(row, encrypted)
    cells = {name: getattr(row, name) for name in Enrolment.__dataclass_fields__} | contacts
    cells["certificates"] = msgspec.json.decode(row.certificates, type=frozenset[str])
    student, enrolment = StudentId(row.id), Enrolment(**cells)
    if faults:
        return UnreadableStudent(id=student, enrolment=enrolment, faults=faults)
    return Student(id=student, enrolment=enrolment)


def as_row(student: Student) -> dict[str, Any]:
    """Return the row of a student."""
    row = {name: getattr(student.enrolment, name) for name in Enrolment.__dataclass_fields__}
    row["certificates"] = msgspec.json.encode(sorted(student.enrolment.certificates)).decode()
    return {"id": student.id, **row}


students.info[CONFLICTS] = {
    "uq_students_registration": concurrent_change,
    "uq_students_registration_key": concurrent_change,
}
