"""Sessions in SQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, select

from adapters.sql.engine.database import Database
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.identity.accounts import account_of
from adapters.sql.identity.session_tables import sessions, signing_keys
from adapters.sql.identity.tables import accounts
from core.identity.session import EndedSession, Session, SessionId
from core.identity.session_ports import OwnedSession, RefreshableSessions, Sessions, SessionViews
from core.identity.signing_key import SigningKey

ROWS = sessions.c
MAX_LISTED_SESSIONS = 100
NAMES = tuple(ROWS.keys())
OWNED: Select[Any] = (
    select(*(ROWS[name].label(f"session_{name}") for name in NAMES), accounts)
    .join_from(sessions, accounts, accounts.c.id == ROWS.account)
    .where(ROWS.id.in_(bindparam("wanted", expanding=True)))
)
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
        return [session_of(row) for row in await (await self._work.connect()).execute(query)]


class SqlRefreshableSessions(RefreshableSessions):
    """Sessions joined with their accounts, of which only the sessions are locked."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def lock(self, wanted: Collection[SessionId], *, wait: bool) -> Mapping[SessionId, OwnedSession]:
        query = OWNED.with_for_update(of=sessions, skip_locked=not wait)
        rows = await (await self._work.connect()).execute(query, {"wanted": list(wanted)})
        return {(session := session_of(row[: len(NAMES)])).id: OwnedSession(session, account_of(row)) for row in rows}


class SqlSessionViews(SessionViews):
    """Reads sessions without locks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_of(self, account: UUID, at: datetime) -> Sequence[Session]:
        wanted = select(sessions).where((ROWS.account == account) & is_open(at))
        async with self._database.reading() as connection:
            rows = await connection.execute(wanted.order_by(ROWS.id.desc()).limit(MAX_LISTED_SESSIONS))
        return [session_of(row) for row in rows]

    async def find(self, session: SessionId) -> Session | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(sessions).where(ROWS.id == session))).one_or_none()
        return session_of(row) if row else None

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


def session_of(cells: Sequence[Any]) -> Session:
    """Return the session of the cells of a row."""
    named = dict(zip(NAMES, cells, strict=True))
    return Session(**named | {"methods": tuple(named["methods"].split())})


def as_row(session: Session) -> dict[str, Any]:
    """Return the row of a session."""
    row = {name: getattr(session, name) for name in NAMES}
    return row | {"methods": " ".join(session.methods)}
