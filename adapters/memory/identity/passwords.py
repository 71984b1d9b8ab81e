"""Passwords, their links, and signing keys in the memory database."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.identity.passwords.password import Password, PasswordLink
from core.identity.ports import PasswordLinks, Passwords, SigningKeys
from core.identity.signing_keys.signing_key import SigningKey


class MemoryPasswords(Passwords):
    """Passwords by account."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def find(self, account: UUID) -> Password | None:
        return self._work.database.passwords.get(account)

    async def lock(self, account: UUID) -> Password | None:
        return self._work.database.passwords.get(account)

    def put(self, password: Password) -> None:
        table = self._work.database.passwords
        self._work.inserts.append(partial(self._work.undo_log.put, table, password.account, password))


class MemoryPasswordLinks(PasswordLinks):
    """Links by account."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def lock(self, digest: bytes) -> PasswordLink | None:
        return next((each for each in self._work.database.password_links.values() if each.digest == digest), None)

    def put(self, link: PasswordLink) -> None:
        table = self._work.database.password_links
        self._work.inserts.append(partial(self._work.undo_log.put, table, link.account, link))


class MemorySigningKeys(SigningKeys):
    """Keys by their ids."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def all(self) -> Sequence[SigningKey]:
        return sorted(self._work.database.signing_keys.values(), key=lambda key: (key.signs_from, key.kid))

    def add(self, key: SigningKey) -> None:
        self._work.inserts.append(partial(self._work.undo_log.put, self._work.database.signing_keys, key.kid, key))
