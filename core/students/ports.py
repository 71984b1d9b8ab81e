"""The ports of the students context."""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import Protocol

from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.students.student import Student


class ContactParser(Protocol):
    """Reads addresses as people write them; accepts what can be sent to, and nothing else."""

    @abstractmethod
    def email(self, text: str) -> str:
        """Return the address with its domain in ASCII; raise `Invalid` with what is wrong."""

    @abstractmethod
    def phone(self, text: str, country: str = "") -> str:
        """Return the number in E.164; one without a country code belongs to `country`; raise `Invalid`."""


class Students(Protocol):
    """The repository of students."""

    @abstractmethod
    async def by_registration(self, registrations: Collection[str]) -> Mapping[str, Student]:
        """Return the students of those registrations that are on the roster."""

    @abstractmethod
    def put(self, student: Student) -> None:
        """Add or replace a student."""


class StudentsUnitOfWork(UnitOfWork, Protocol):
    """A unit of work over the roster."""

    students: Students


NewStudentsUnitOfWork = NewUnitOfWork[StudentsUnitOfWork]
