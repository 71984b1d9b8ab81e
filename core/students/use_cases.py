"""The use cases of the students context."""

from dataclasses import dataclass

from core.students.find_student import FindStudent
from core.students.import_students import ImportStudents


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentsUseCases:
    """The roster."""

    import_students: ImportStudents
    find_student: FindStudent
