"""The roster in SQL, and its readers for the fees and notifications contexts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Dialect, Insert, Row, bindparam, select
from sqlalchemy.dialects import mysql, sqlite

from adapters.sql.engine.conflicts import CONFLICTS, concurrent_change
from adapters.sql.engine.database import Database
from adapters.sql.engine.inserts import UPSERT
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.students.tables import MAX_REGISTRATION_LENGTH, students
from core.fees.candidate import Candidate
from core.fees.candidate import StudentId as CandidateId
from core.fees.errors import UnknownCandidate
from core.fees.ports import Candidates
from core.kernel.batching import Batcher, PendingItem
from core.notifications.delivery import RecipientId
from core.notifications.messages import Contact
from core.notifications.ports import Contacts
from core.students.ports import Students
from core.students.student import Enrolment, Student, StudentId

IMMUTABLE = {"id", "registration"}


class SqlStudents(Students):
    """Students as rows of one table."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def by_registration(self, registrations: Collection[str]) -> Mapping[str, Student]:
        query = select(students).where(students.c.registration.in_(registrations))
        rows = await (await self._work.connect()).execute(query)
        return {row.registration: from_row(row) for row in rows}

    def put(self, student: Student) -> None:
        row = {name: getattr(student.enrolment, name) for name in Enrolment.__dataclass_fields__}
        row["certificates"] = msgspec.json.encode(sorted(student.enrolment.certificates)).decode()
        self._work.insert(students, {"id": student.id, **row})


class SqlCandidates(Candidates):
    """Reads candidates for the fees context; concurrent lookups share a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Batcher[str, Candidate | None](self._find)

    async def find(self, registration: str) -> Candidate:
        known = (
            len(registration) <= MAX_REGISTRATION_LENGTH
        )  # a longer one cannot be stored, and would enlarge the shared query
        found = await self._lookups(registration) if known else None
        if found is None:
            raise UnknownCandidate.registered(registration)
        return found

    async def _find(self, batch: Sequence[PendingItem[str, Candidate | None]]) -> None:
        async with self._database.reading() as connection:
            wanted = tuple(each.item for each in batch)
            rows = await connection.exec_driver_sql(lookup(len(wanted), connection.dialect), wanted)
        found = {row.registration: candidate(row) for row in rows}
        for each in batch:
            each.resolve(found.get(each.item))


@cache
def lookup(number: int, dialect: Dialect) -> str:
    """Return the query for `number` candidates, compiled once: every submission uses it."""
    wanted = students.c.registration.in_([bindparam(f"wanted_{place}") for place in range(number)])
    return str(select(*(students.c[each.name] for each in fields(Candidate))).where(wanted).compile(dialect=dialect))


def candidate(row: Row[Any]) -> Candidate:
    """Return the candidate of a driver row."""
    return Candidate(
        id=CandidateId(UUID(bytes=row.id)),
        registration=row.registration,
        name=row.name,
        category=row.category,
        country=row.country,
        certificates=msgspec.json.decode(row.certificates, type=frozenset[str]),
    )


class SqlContacts(Contacts):
    """Reads contacts for the notifications context."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, recipients: Collection[RecipientId]) -> Mapping[RecipientId, Contact]:
        columns = (students.c.id, students.c.name, students.c.email, students.c.phone, students.c.language)
        async with self._database.reading() as connection:
            rows = await connection.execute(select(*columns).where(students.c.id.in_(recipients)))
        return {
            RecipientId(row.id): Contact(name=row.name, email=row.email, phone=row.phone, language=row.language)
            for row in rows
        }


def from_row(row: Row[Any]) -> Student:
    """Return the student of a row."""
    cells = {name: getattr(row, name) for name in Enrolment.__dataclass_fields__}
    cells["certificates"] = msgspec.json.decode(row.certificates, type=frozenset[str])
    return Student(id=StudentId(row.id), enrolment=Enrolment(**cells))


def upsert(dialect: Dialect) -> Insert:
    """Return an insert that overwrites existing students."""
    changing = [column.name for column in students.columns if column.name not in IMMUTABLE]
    if dialect.name == "mysql":
        added = mysql.insert(students)
        return added.on_duplicate_key_update({name: added.inserted[name] for name in changing})
    new = sqlite.insert(students)
    return new.on_conflict_do_update(index_elements=["id"], set_={name: new.excluded[name] for name in changing})


students.info[UPSERT] = upsert
students.info[CONFLICTS] = {"uq_students_registration": concurrent_change}
