"""Accounts in SQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.conflicts import CONFLICTS
from adapters.sql.engine.conflicts import Row as ConflictingRow
from adapters.sql.engine.database import Database
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.identity.tables import NEXT_REVISION, accounts, credential_revision
from core.identity.account import Account, AccountId
from core.identity.errors import StudentHasAccount
from core.identity.ports import AccountList, Accounts
from core.identity.roles import Role
from core.kernel.errors import CoreError


class SqlAccounts(Accounts):
    """A row for each account."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def find(self, account: AccountId) -> Account | None:
        return await self._one(select(accounts).where(accounts.c.id == account))

    async def lock(self, account: AccountId) -> Account | None:
        return await self._one(select(accounts).where(accounts.c.id == account).with_for_update())

    def add(self, account: Account) -> None:
        self._work.insert(accounts, account_row(account))

    def replace(self, account: Account) -> None:
        self._work.change(accounts, account_row(account))
        self._work.insert(credential_revision, dict(NEXT_REVISION))

    async def _one(self, query: Select[Any]) -> Account | None:
        row = (await (await self._work.connect()).execute(query)).one_or_none()
        return account_of(row) if row else None


class SqlAccountList(AccountList):
    """Reads accounts in the order of their ids, which is that of their creation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, after: AccountId | None, limit: int) -> Sequence[Account]:
        query = select(accounts).where(accounts.c.id > (after or UUID(int=0))).order_by(accounts.c.id).limit(limit)
        async with self._database.reading() as connection:
            return [account_of(row) for row in await connection.execute(query)]


def account_of(row: Row[Any]) -> Account:
    """Return the account of a row."""
    return Account(
        id=AccountId(row.id),
        roles=msgspec.json.decode(row.roles, type=frozenset[Role]),
        name=row.name,
        email=row.email,
        centre=row.centre,
        student=row.student_id,
        active=row.active,
        created_at=row.created_at,
        version=row.version,
    )


def account_row(account: Account) -> dict[str, Any]:
    """Return the row of an account."""
    return {
        "id": account.id,
        "roles": msgspec.json.encode(sorted(account.roles)).decode(),
        "name": account.name,
        "email": account.email,
        "centre": account.centre,
        "student_id": account.student,
        "active": account.active,
        "created_at": account.created_at,
        "version": account.version,
    }


async def student_has_account(_connection: AsyncConnection, _row: ConflictingRow) -> CoreError:
    """Return the error for a student with an account."""
    return StudentHasAccount("this student has an account already, which may be disabled")


accounts.info[CONFLICTS] = {"uq_accounts_student": student_has_account}
