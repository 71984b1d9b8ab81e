"""Erased students in the memory database."""

from collections.abc import Collection
from functools import partial
from uuid import UUID

from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.identity.erased_accounts import erase_accounts
from core.kernel.registration import fold
from core.students.named_registration import NamedRegistration
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
            dead_letters=len(self._letters(student)),
            accounts=sum(each.student == student.id for each in database.accounts.values()),
        )

    async def erase(self, student: Student) -> None:
        self._work.inserts.append(partial(self._erase, student))

    def _erase(self, student: Student) -> None:
        database, key = self._work.database, fold(student.enrolment.registration)
        self._work.undo_log.put(database.erasures, key, None)
        self._work.undo_log.remove(database.students, key)
        for letter in self._letters(student):
            self._work.undo_log.remove(database.dead_letters, letter)
        erase_accounts(self._work, student.id)

    def _letters(self, student: Student) -> list[tuple[str, UUID]]:
        named = NamedRegistration(student.enrolment.registration)
        letters = self._work.database.dead_letters.items()
        return [letter for letter, (_, message) in letters if named.is_in(message.body)]
