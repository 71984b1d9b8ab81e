"""The roster in the memory database, and its readers for the fees and notifications contexts."""

from collections.abc import Collection, Mapping
from functools import partial

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.fees.candidate import Candidate
from core.fees.candidate import StudentId as CandidateId
from core.fees.errors import UnknownCandidate
from core.fees.ports import Candidates
from core.notifications.delivery import RecipientId
from core.notifications.messages import Contact
from core.notifications.ports import Contacts
from core.students.ports import Students
from core.students.student import Student


class MemoryStudents(Students):
    """Students by registration."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def by_registration(self, registrations: Collection[str]) -> Mapping[str, Student]:
        students = self._work.database.students
        return {registration: students[registration] for registration in registrations if registration in students}

    def put(self, student: Student) -> None:
        self._work.inserts.append(
            partial(self._work.undo_log.put, self._work.database.students, student.enrolment.registration, student)
        )


class MemoryCandidates(Candidates):
    """Reads candidates for the fees context."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def find(self, registration: str) -> Candidate:
        student = self._database.students.get(registration)
        if student is None:
            raise UnknownCandidate.registered(registration)
        return Candidate(
            id=CandidateId(student.id),
            registration=registration,
            name=student.enrolment.name,
            category=student.enrolment.category,
            country=student.enrolment.country,
            certificates=student.enrolment.certificates,
        )


class MemoryContacts(Contacts):
    """Reads contacts for the notifications context."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def of(self, recipients: Collection[RecipientId]) -> Mapping[RecipientId, Contact]:
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
