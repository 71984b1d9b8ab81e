"""Sessions in SQL."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select

from adapters.sql.engine.database import Database
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.identity.session_tables import sessions, signing_keys
from core.identity.session import EndedSession, Session, SessionId
from core.identity.session_ports import Sessions, SessionViews
from core.identity.signing_key import SigningKey

ROWS = sessions.c
MAX_LISTED_SESSIONS = 100
ALL_KEYS = select(signing_keys).order_by(signing_keys.c.signs_from, signing_keys.c.kid)


class SqlSessions(Sessions):
    """Sessions as rows of one table."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def lock(self, session: SessionId) -> Session | None:
        return next(iter(await self._locked(ROWS.id == session)), None)

    async def lock_open_of(self, account: UUID, at: datetime) -> Sequence[Session]:
        return await self._locked((ROWS.account == account) & is_open(at))

    def add(self, session: Session) -> None:
        self._work.insert(sessions, as_row(session))

    def replace(self, session: Session) -> None:
        self._work.change(sessions, as_row(session))

    async def _locked(self, wanted: ColumnElement[bool]) -> list[Session]:
        query = select(sessions).where(wanted).order_by(ROWS.id).with_for_update()
        return [from_row(row) for row in await (await self._work.connect()).execute(query)]


class SqlSessionViews(SessionViews):
    """Reads sessions without locks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_of(self, account: UUID, at: datetime) -> Sequence[Session]:
        wanted = select(sessions).where((ROWS.account == account) & is_open(at))
        async with self._database.reading() as connection:
            rows = await connection.execute(wanted.order_by(ROWS.id.desc()).limit(MAX_LISTED_SESSIONS))
        return [from_row(row) for row in rows]

    async def find(self, session: SessionId) -> Session | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(sessions).where(ROWS.id == session))).one_or_none()
        return from_row(row) if row else None

    async def ended_since(self, at: datetime) -> Collection[EndedSession]:
        query = select(ROWS.id, ROWS.ended_at).where(ROWS.ended_at >= at).order_by(ROWS.ended_at)
        async with self._database.reading() as connection:
            return [EndedSession(SessionId(row.id), row.ended_at) for row in await connection.execute(query)]

    async def signing_keys(self) -> Sequence[SigningKey]:
        async with self._database.reading() as connection:
            return [SigningKey(**row._asdict()) for row in await connection.execute(ALL_KEYS)]


def is_open(at: datetime) -> ColumnElement[bool]:
    """Return the condition of sessions that have neither ended nor expired."""
    return ROWS.ended_at.is_(None) & (ROWS.expires_at > at)


def from_row(row: Row[Any]) -> Session:
    """Return the session of a row."""
    cells = row._asdict()
    return Session(**{**cells, "methods": tuple(filter(None, row.methods.split(" ")))})


def as_row(session: Session) -> dict[str, Any]:
    """Return the row of a session."""
    return {**asdict(session), "methods": " ".join(session.methods)}
