"""Passwords, their links, and signing keys in SQL."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.identity.session_tables import password_links, passwords, signing_keys
from core.identity.passwords.password import Password, PasswordLink
from core.identity.ports import PasswordLinks, Passwords, SigningKeys
from core.identity.signing_keys.signing_key import SigningKey


class SqlPasswords(Passwords):
    """A row for each account with a password."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def find(self, account: UUID) -> Password | None:
        return await self._one(select(passwords).where(passwords.c.account == account))

    async def lock(self, account: UUID) -> Password | None:
        return await self._one(select(passwords).where(passwords.c.account == account).with_for_update())

    def put(self, password: Password) -> None:
        self._work.change(passwords, asdict(password))

    async def _one(self, query: Select[Any]) -> Password | None:
        row = (await (await self._work.connect()).execute(query)).one_or_none()
        return Password(**row._asdict()) if row else None


class SqlPasswordLinks(PasswordLinks):
    """A row for each account that was given a link."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def lock(self, digest: bytes) -> PasswordLink | None:
        query = select(password_links).where(password_links.c.digest == digest).with_for_update()
        row = (await (await self._work.connect()).execute(query)).one_or_none()
        return PasswordLink(**row._asdict()) if row else None

    def put(self, link: PasswordLink) -> None:
        self._work.change(password_links, asdict(link))


class SqlSigningKeys(SigningKeys):
    """A row for each key."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def all(self) -> Sequence[SigningKey]:
        query = select(signing_keys).order_by(signing_keys.c.signs_from, signing_keys.c.kid)
        return [SigningKey(**row._asdict()) for row in await (await self._work.connect()).execute(query)]

    def add(self, key: SigningKey) -> None:
        self._work.insert(signing_keys, asdict(key))
