"""Find a student on the roster."""

from dataclasses import dataclass

from core.kernel.authorization import Permission, current_principal, requires
from core.kernel.encryption import Undecipherable
from core.students.errors import UnknownStudent
from core.students.ports import NewStudentsUnitOfWork
from core.students.student import Student, UnreadableStudent


@requires(Permission.STUDENTS_READ)
@dataclass(frozen=True, slots=True)
class FindStudent:
    """Look up a student by registration."""

    new_work: NewStudentsUnitOfWork

    async def __call__(self, registration: str) -> Student:
        """Return the student; raise `UnknownStudent`, or `Undecipherable`."""
        async with self.new_work() as work:
            student = await work.students.find(registration)
        if student is None or not current_principal.get().reaches(student.id, student.enrolment.centre):
            raise UnknownStudent(f"no student on the roster has the registration {registration[:40]!r}")
        if isinstance(student, UnreadableStudent):
            raise Undecipherable("; ".join(student.faults.values()))
        return student
