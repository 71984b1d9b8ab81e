"""The roster in a dictionary, and the windows other contexts have into it."""

from collections.abc import Callable, Collection, Mapping
from functools import partial

from adapters.memory.database import Store, Transaction
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

    def __init__(self, store: Store, transaction: Transaction, inserts: list[Callable[[], None]]) -> None:
        self._database, self._transaction, self._inserts = store, transaction, inserts

    async def known(self, registrations: Collection[str]) -> Mapping[str, Student]:
        students = self._database.students
        return {registration: students[registration] for registration in registrations if registration in students}

    def put(self, student: Student) -> None:
        self._inserts.append(
            partial(self._transaction.put, self._database.students, student.enrolment.registration, student)
        )


class MemoryCandidates(Candidates):
    """The fee office's window into the roster."""

    def __init__(self, store: Store) -> None:
        self._database = store

    async def find(self, registration: str) -> Candidate:
        student = self._database.students.get(registration)
        if student is None:
            raise UnknownCandidate(
                f"nobody on the roster has the registration {registration[:40]!r}", at="$.registration"
            )
        return Candidate(
            id=CandidateId(student.id),
            registration=registration,
            name=student.enrolment.name,
            category=student.enrolment.category,
            country=student.enrolment.country,
            certificates=student.enrolment.certificates,
        )


class MemoryContacts(Contacts):
    """The window into the roster of whoever writes to people."""

    def __init__(self, store: Store) -> None:
        self._database = store

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
