"""What the roster needs from the outside world."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from core.kernel.unit_of_work import UnitOfWork
from core.students.student import Student


class Students(Protocol):
    """Everybody who may owe a fee."""

    @abstractmethod
    async def known(self, registrations: Collection[str]) -> Mapping[str, Student]:
        """Return those of these registrations that are on the roster."""

    @abstractmethod
    def put(self, student: Student) -> None:
        """Add a student, or replace what was known of them."""


class StudentsUnitOfWork(UnitOfWork, Protocol):
    """A unit of work over the roster."""

    students: Students


NewStudentsUnitOfWork = Callable[[], StudentsUnitOfWork]
