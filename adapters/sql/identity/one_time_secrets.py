"""One-time secrets in SQL, and what messages and sign-ins read beside them."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Row, column, select, table

from adapters.sql.engine.database import Database
from adapters.sql.engine.types import Id
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.identity.accounts import account_of
from adapters.sql.identity.secret_tables import one_time_secrets
from adapters.sql.identity.tables import accounts
from core.identity.account import Account
from core.identity.one_time_secret import OneTimeSecret, Purpose, SecretId
from core.identity.one_time_secret_ports import EnrolledStudents, OneTimeSecrets, SecretBox
from core.kernel.clock import Clock
from core.notifications.delivery import RecipientId
from core.notifications.errors import UnreadableContact
from core.notifications.messages import Contact
from core.notifications.ports import Contacts, SecretFacts

# Named here, because an erasure, which belongs to the roster, imports the tables of this context.
students = table("students", column("id", Id()), column("registration_key"))


class SqlOneTimeSecrets(OneTimeSecrets):
    """A row for each secret."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def find(self, secret: SecretId) -> OneTimeSecret | None:
        return await self._one(secret, lock=False)

    async def lock(self, secret: SecretId) -> OneTimeSecret | None:
        return await self._one(secret, lock=True)

    def add(self, secret: OneTimeSecret) -> None:
        self._work.insert(one_time_secrets, asdict(secret))

    def replace(self, secret: OneTimeSecret) -> None:
        self._work.change(one_time_secrets, asdict(secret))

    async def _one(self, secret: SecretId, *, lock: bool) -> OneTimeSecret | None:
        query = select(one_time_secrets).where(one_time_secrets.c.id == secret)
        connection = await self._work.connect()
        row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
        return secret_of(row) if row else None


class SqlEnrolledStudents(EnrolledStudents):
    """Reads the table of the roster."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def find(self, registration_key: str) -> UUID | None:
        query = select(students.c.id).where(students.c.registration_key == registration_key)
        found: UUID | None = await (await self._work.connect()).scalar(query)
        return found

    async def lock(self, student: UUID) -> bool:
        query = select(students.c.id).where(students.c.id == student).with_for_update()
        return await (await self._work.connect()).scalar(query) is not None

    async def account_of(self, student: UUID) -> Account | None:
        query = select(accounts).where(accounts.c.student_id == student)
        row = (await (await self._work.connect()).execute(query)).one_or_none()
        return account_of(row) if row else None


class SqlSecretFacts(SecretFacts):
    """Reads secrets for the messages that carry them."""

    def __init__(self, database: Database, secret_box: SecretBox, clock: Clock) -> None:
        self._database, self._secret_box, self._clock = database, secret_box, clock

    async def find(self, secret: UUID) -> Mapping[str, str] | None:
        query = select(one_time_secrets).where(one_time_secrets.c.id == secret)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        found = secret_of(row) if row else None
        if found is None or not found.is_readable(self._clock.now()):
            return None
        return self._secret_box.unseal(found.id, found.sealed)


class SqlAccountContacts(Contacts):
    """Reads the addresses of accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, recipients: Collection[RecipientId]) -> Mapping[RecipientId, Contact | UnreadableContact]:
        query = select(accounts).where(accounts.c.id.in_(recipients), accounts.c.active)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return {RecipientId(row.id): Contact(name=row.name, email=row.email, phone="", language="en") for row in rows}


def secret_of(row: Row[Any]) -> OneTimeSecret:
    """Return the secret of a row."""
    fields = row._asdict()
    return OneTimeSecret(**{**fields, "purpose": Purpose(row.purpose)})
