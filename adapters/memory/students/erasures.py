"""Erased students in the memory database."""

from collections.abc import Callable, Collection
from functools import partial

from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.identity.erased_accounts import erase_accounts
from core.kernel.registration import fold
from core.messaging.message import Message
from core.students.ports import Erasures
from core.students.records_of_student import RecordsOfStudent
from core.students.student import Student


class MemoryErasures(Erasures):
    """Registration keys."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def among(self, keys: Collection[str]) -> Collection[str]:
        return self._work.database.erasures.keys() & set(keys)

    async def records_of(self, student: Student) -> RecordsOfStudent:
        database = self._work.database
        return RecordsOfStudent(
            submissions=sum(each.student == student.id for each in database.submissions.values()),
            deliveries=sum(each.recipient == student.id for each in database.deliveries.values()),
            accounts=sum(each.student == student.id for each in database.accounts.values()),
            dead_letters=sum(names(student)(message) for _, message in database.dead_letters.values()),
        )

    async def erase(self, student: Student) -> None:
        self._work.inserts.append(partial(self._erase, student))

    def _erase(self, student: Student) -> None:
        database, key = self._work.database, fold(student.enrolment.registration)
        self._work.undo_log.put(database.erasures, key, None)
        self._work.undo_log.remove(database.students, key)
        is_named = names(student)
        for letter in [letter for letter, (_, message) in database.dead_letters.items() if is_named(message)]:
            self._work.undo_log.remove(database.dead_letters, letter)
        erase_accounts(self._work, student.id)


def names(student: Student) -> Callable[[Message], bool]:
    """Return whether the body of a message contains the registration in a usual spelling."""
    registration = student.enrolment.registration
    spellings = [f'"{each}"'.encode() for each in {registration, registration.lower(), registration.upper()}]
    return lambda message: any(each in message.body for each in spellings)
