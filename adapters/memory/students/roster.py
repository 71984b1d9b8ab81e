"""The roster in the memory database, and its readers for the fees and notifications contexts."""

from collections.abc import Collection, Mapping
from functools import partial

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.fees.candidate import Candidate
from core.fees.candidate import StudentId as CandidateId
from core.fees.errors import UnknownCandidate
from core.fees.ports import Candidates
from core.kernel.errors import Conflict
from core.kernel.registration import fold, registration_key
from core.notifications.delivery import RecipientId
from core.notifications.errors import UnreadableContact
from core.notifications.messages import Contact
from core.notifications.ports import Contacts
from core.students.ports import Students
from core.students.student import Student


class MemoryStudents(Students):
    """Students by the key of their registration."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def find(self, registration: str) -> Student | None:
        key = registration_key(registration)
        return self._work.database.students.get(key) if key else None

    async def lock(self, keys: Collection[str]) -> Mapping[str, Student]:
        students = self._work.database.students
        return {key: students[key] for key in keys if key in students}

    def add(self, student: Student) -> None:
        self._work.inserts.append(partial(self._put, student, is_new=True))

    def replace(self, student: Student) -> None:
        self._work.inserts.append(partial(self._put, student, is_new=False))

    def _put(self, student: Student, *, is_new: bool) -> None:
        key = fold(student.enrolment.registration)
        if is_new and key in self._work.database.students:
            raise Conflict.concurrent_change()
        self._work.undo_log.put(self._work.database.students, key, student)


class MemoryCandidates(Candidates):
    """Reads candidates for the fees context."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def find(self, registration: str) -> Candidate:
        key = registration_key(registration)
        student = self._database.students.get(key) if key else None
        if student is None:
            raise UnknownCandidate.registered(registration)
        return as_candidate(student)


def as_candidate(student: Student) -> Candidate:
    """Return what the fees context reads of a student."""
    return Candidate(
        id=CandidateId(student.id),
        registration=student.enrolment.registration,
        name=student.enrolment.name,
        category=student.enrolment.category,
        country=student.enrolment.country,
        centre=student.enrolment.centre,
        certificates=student.enrolment.certificates,
    )


class MemoryContacts(Contacts):
    """Reads contacts for the notifications context."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def of(self, recipients: Collection[RecipientId]) -> Mapping[RecipientId, Contact | UnreadableContact]:
        return {
            RecipientId(student.id): Contact(
                name=student.enrolment.name,
                email=student.enrolment.email,
                phone=student.enrolment.phone,
                language=student.enrolment.language,
            )
            for student in self._database.students.values()
            if student.id in recipients
        }
