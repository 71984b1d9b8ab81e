"""The ports of the students context."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.students.records_of_student import RecordsOfStudent
from core.students.rotated_batch import RotatedBatch
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
    async def find(self, registration: str) -> Student | None:
        """Return the student of a registration in any spelling, which can be an `UnreadableStudent`."""

    @abstractmethod
    async def lock(self, keys: Collection[str]) -> Mapping[str, Student]:
        """Return the students of those registration keys that are on the roster; others wait to change them.

        Some can be an `UnreadableStudent`.
        """

    @abstractmethod
    def add(self, student: Student) -> None:
        """Add a student; the commit raises `Conflict` if another spelling of the registration is on the roster."""

    @abstractmethod
    def replace(self, student: Student) -> None:
        """Replace a locked student."""


class EncryptedRows(Protocol):
    """The stored rows whose personal data are encrypted, for a rotation of keys."""

    @abstractmethod
    def tables(self) -> Sequence[str]:
        """Return the names of the tables."""

    @abstractmethod
    async def begin(self, table: str) -> None:
        """Let no process write plain values from now on, in any transaction; raise `NoEncryptionKey`."""

    @abstractmethod
    async def rotate(self, table: str, after: UUID | None, limit: int) -> RotatedBatch:
        """Encrypt the next rows with the current key; raise `InUse` or `GaveWay` while another process has them."""

    @abstractmethod
    async def finish(self, table: str) -> None:
        """Let every process refuse plain values."""


class Erasures(Protocol):
    """The students who were erased, and the records that have their personal data."""

    @abstractmethod
    async def among(self, keys: Collection[str]) -> Collection[str]:
        """Return the registration keys that were erased.

        Raises `Undecipherable` when a key is missing, so that the others may have been erased too.
        """

    @abstractmethod
    async def records_of(self, student: Student) -> RecordsOfStudent:
        """Return the numbers of records that an erasure deletes, and of those that it leaves without a name."""

    @abstractmethod
    async def erase(self, student: Student) -> None:
        """Delete a locked student, and the dead letters that name the registration; remember only that.

        The accounts of the student are disabled, and their credentials deleted.
        """


class StudentsUnitOfWork(UnitOfWork, Protocol):
    """A unit of work over the roster."""

    students: Students
    erasures: Erasures


NewStudentsUnitOfWork = NewUnitOfWork[StudentsUnitOfWork]
