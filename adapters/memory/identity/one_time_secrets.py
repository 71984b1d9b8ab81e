"""One-time secrets in the memory database, and what messages and sign-ins read beside them."""

from collections.abc import Collection, Mapping
from functools import partial
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.identity.account import Account, AccountId
from core.identity.one_time_secret import OneTimeSecret, SecretId
from core.identity.one_time_secret_ports import EnrolledStudents, OneTimeSecrets, SecretBox
from core.kernel.clock import Clock
from core.notifications.delivery import RecipientId
from core.notifications.errors import UnreadableContact
from core.notifications.messages import Contact
from core.notifications.ports import Contacts, SecretFacts


class MemoryOneTimeSecrets(OneTimeSecrets):
    """Secrets by their ids."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def find(self, secret: SecretId) -> OneTimeSecret | None:
        return self._work.database.one_time_secrets.get(secret)

    async def lock(self, secret: SecretId) -> OneTimeSecret | None:
        return self._work.database.one_time_secrets.get(secret)

    def add(self, secret: OneTimeSecret) -> None:
        self.replace(secret)

    def replace(self, secret: OneTimeSecret) -> None:
        table = self._work.database.one_time_secrets
        self._work.inserts.append(partial(self._work.undo_log.put, table, secret.id, secret))


class MemoryEnrolledStudents(EnrolledStudents):
    """Reads the roster of the memory database."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def find(self, registration_key: str) -> UUID | None:
        found = self._work.database.students.get(registration_key)
        return found.id if found else None

    async def lock(self, student: UUID) -> bool:
        return any(each.id == student for each in self._work.database.students.values())

    async def account_of(self, student: UUID) -> Account | None:
        return next((each for each in self._work.database.accounts.values() if each.student == student), None)


class MemorySecretFacts(SecretFacts):
    """Reads secrets for the messages that carry them."""

    def __init__(self, database: MemoryDatabase, secret_box: SecretBox, clock: Clock) -> None:
        self._database, self._secret_box, self._clock = database, secret_box, clock

    async def find(self, secret: UUID) -> Mapping[str, str] | None:
        found = self._database.one_time_secrets.get(secret)
        if found is None or not found.is_readable(self._clock.now()):
            return None
        return self._secret_box.unseal(found.id, found.sealed)


class MemoryAccountContacts(Contacts):
    """Reads the addresses of accounts."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def of(self, recipients: Collection[RecipientId]) -> Mapping[RecipientId, Contact | UnreadableContact]:
        known = [self._database.accounts.get(AccountId(each)) for each in recipients]
        return {
            RecipientId(each.id): Contact(name=each.name, email=each.email, phone="", language="en")
            for each in known
            if each and each.active
        }
