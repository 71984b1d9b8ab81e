"""The use cases of the students context."""

from dataclasses import dataclass

from core.students.erase_student import EraseStudent
from core.students.find_student import FindStudent
from core.students.import_students import ImportStudents
from core.students.rotate_encryption import RotateEncryption


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentsUseCases:
    """The roster."""

    import_students: ImportStudents
    find_student: FindStudent
    erase_student: EraseStudent
    rotate_encryption: RotateEncryption
