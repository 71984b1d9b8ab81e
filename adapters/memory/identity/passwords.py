"""Passwords and signing keys in the memory database."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.identity.account import AccountId
from core.identity.errors import LoginTaken
from core.identity.password import Password
from core.identity.session_ports import PasswordList, Passwords, SigningKeys
from core.identity.signing_key import SigningKey
from core.kernel.errors import Conflict


class MemoryPasswords(Passwords):
    """Passwords by account."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def lock(self, account: UUID) -> Password | None:
        return self._work.database.passwords.get(account)

    async def lock_linked(self, digest: bytes) -> Password | None:
        return next((each for each in self._work.database.passwords.values() if each.link_digest == digest), None)

    def add(self, password: Password) -> None:
        self._work.inserts.append(partial(self._add, password))

    def replace(self, password: Password) -> None:
        table = self._work.database.passwords
        self._work.inserts.append(partial(self._work.undo_log.put, table, password.account, password))

    def _add(self, password: Password) -> None:
        table = self._work.database.passwords
        if any(each.login == password.login for each in table.values()):
            raise LoginTaken("this login belongs to another account")
        if password.account in table:
            raise Conflict.concurrent_change()
        self._work.undo_log.put(table, password.account, password)


class MemoryPasswordList(PasswordList):
    """Reads the passwords of the memory database."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def find(self, login: str) -> Password | None:
        found = next((each for each in self._database.passwords.values() if each.login == login), None)
        return found and (found if self._database.accounts[AccountId(found.account)].active else found.unusable())


class MemorySigningKeys(SigningKeys):
    """Keys by their ids."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def all(self) -> Sequence[SigningKey]:
        return sorted(self._work.database.signing_keys.values(), key=lambda key: (key.signs_from, key.kid))

    def add(self, key: SigningKey) -> None:
        self._work.inserts.append(partial(self._work.undo_log.put, self._work.database.signing_keys, key.kid, key))
