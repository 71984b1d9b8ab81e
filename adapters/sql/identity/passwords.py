"""Passwords and signing keys in SQL."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.conflicts import CONFLICTS, Row, concurrent_change
from adapters.sql.engine.database import Database
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.identity.session_tables import passwords, signing_keys
from adapters.sql.identity.tables import accounts
from core.identity.errors import LoginTaken
from core.identity.password import Password
from core.identity.session_ports import PasswordList, Passwords, SigningKeys
from core.identity.signing_key import SigningKey
from core.kernel.batching import Batcher, PendingItem
from core.kernel.errors import CoreError

ROWS = passwords.c


class SqlPasswords(Passwords):
    """A row for each account with a login."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def lock(self, account: UUID) -> Password | None:
        return await self._one(ROWS.account == account)

    async def lock_linked(self, digest: bytes) -> Password | None:
        return await self._one(ROWS.link_digest == digest)

    def add(self, password: Password) -> None:
        self._work.insert(passwords, asdict(password))

    def replace(self, password: Password) -> None:
        self._work.change(passwords, asdict(password))

    async def _one(self, wanted: ColumnElement[bool]) -> Password | None:
        query = select(passwords).where(wanted).with_for_update()
        row = (await (await self._work.connect()).execute(query)).one_or_none()
        return Password(**row._asdict()) if row else None


class SqlPasswordList(PasswordList):
    """Reads passwords without locks; look-ups that wait at the same moment share a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Batcher[str, Password | None](self._find)

    async def find(self, login: str) -> Password | None:
        return await self._lookups(login)

    async def _find(self, batch: Sequence[PendingItem[str, Password | None]]) -> None:
        query = select(passwords, accounts.c.active).join(accounts, accounts.c.id == ROWS.account)
        query = query.where(ROWS.login.in_({each.item for each in batch}))
        async with self._database.reading() as connection:
            rows = [row._asdict() for row in await connection.execute(query)]
        found = {cells["login"]: password_of(cells, active=cells.pop("active")) for cells in rows}
        for each in batch:
            each.resolve(found.get(each.item))


class SqlSigningKeys(SigningKeys):
    """A row for each key."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def all(self) -> Sequence[SigningKey]:
        query = select(signing_keys).order_by(signing_keys.c.signs_from, signing_keys.c.kid)
        return [SigningKey(**row._asdict()) for row in await (await self._work.connect()).execute(query)]

    def add(self, key: SigningKey) -> None:
        self._work.insert(signing_keys, asdict(key))


def password_of(cells: dict[str, Any], *, active: bool) -> Password:
    """Return the password of an account; of a disabled one, nothing matches it."""
    password = Password(**cells)
    return password if active else password.unusable()


async def login_taken(_connection: AsyncConnection, _row: Row) -> CoreError:
    """Return the error for a login of another account."""
    return LoginTaken("this login belongs to another account")


passwords.info[CONFLICTS] = {"uq_passwords_login": login_taken, "pk_passwords": concurrent_change}
