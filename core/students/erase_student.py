"""Erase the personal data of a student."""

from dataclasses import asdict, dataclass
from typing import ClassVar

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.decisions import Decision
from core.kernel.registration import registration_key
from core.students.errors import UnknownStudent
from core.students.ports import NewStudentsUnitOfWork
from core.students.records_of_student import RecordsOfStudent
from core.students.student import Student


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What an erasure did, or would do."""

    was_erased_before: bool
    records: RecordsOfStudent


@requires(Permission.STUDENTS_ERASE)
@dataclass(frozen=True, slots=True)
class EraseStudent:
    """Delete a student from the roster; submissions and their events stay valid, and lead to no person."""

    ACTION: ClassVar = "erase-student"

    new_work: NewStudentsUnitOfWork

    async def __call__(self, registration: str, decision: Decision, *, dry_run: bool = False) -> ErasureReport:
        """Return the report; a repetition changes nothing.  Raises `UnknownStudent`, or `InUse` during an import."""
        key = registration_key(registration)
        async with self.new_work() as work:
            student = (await work.students.lock([key])).get(key) if key else None
            if student is None:
                if key and key in await work.erasures.among([key]):
                    return ErasureReport(was_erased_before=True, records=RecordsOfStudent())
                raise UnknownStudent(f"no student on the roster has the registration {registration[:40]!r}")
            records = await work.erasures.records_of(student)
            if not dry_run:
                await work.erasures.erase(student)
                work.audit(self._deed(student, records, decision))
                await work.commit()
        return ErasureReport(was_erased_before=False, records=records)

    def _deed(self, student: Student, records: RecordsOfStudent, decision: Decision) -> Deed:
        after = {"who": decision.who, **asdict(records)}
        return Deed(action=self.ACTION, target=f"student/{student.id}", after=after, reason=decision.why)
