"""Sessions in the memory database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.identity.account import AccountId
from core.identity.session import EndedSession, Session, SessionId
from core.identity.session_ports import OwnedSession, RefreshableSessions, Sessions, SessionViews
from core.identity.signing_key import SigningKey


class MemorySessions(Sessions):
    """Sessions by their ids."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def lock(self, session: SessionId) -> Session | None:
        return self._work.database.sessions.get(session)

    async def lock_open_of(self, account: UUID, at: datetime) -> Sequence[Session]:
        return open_of(self._work.database, account, at)

    def add(self, session: Session) -> None:
        self.replace(session)

    def replace(self, session: Session) -> None:
        table = self._work.database.sessions
        self._work.inserts.append(partial(self._work.undo_log.put, table, session.id, session))


class MemoryRefreshableSessions(RefreshableSessions):
    """The transaction of the memory database has no other beside it."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._database = work.database

    async def lock(self, wanted: Collection[SessionId], *, wait: bool) -> Mapping[SessionId, OwnedSession]:  # noqa: ARG002 - nothing to wait for
        found = [self._database.sessions[each] for each in wanted if each in self._database.sessions]
        accounts = self._database.accounts
        return {each.id: OwnedSession(each, accounts[AccountId(each.account)]) for each in found}


class MemorySessionViews(SessionViews):
    """Reads the sessions of the memory database."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def open_of(self, account: UUID, at: datetime) -> Sequence[Session]:
        return open_of(self._database, account, at)[:-101:-1]

    async def find(self, session: SessionId) -> Session | None:
        return self._database.sessions.get(session)

    async def ended_since(self, at: datetime) -> Collection[EndedSession]:
        ended = [EndedSession(each.id, each.ended_at) for each in self._database.sessions.values() if each.ended_at]
        return sorted((each for each in ended if each.at >= at), key=lambda each: each.at)

    async def signing_keys(self) -> Sequence[SigningKey]:
        return sorted(self._database.signing_keys.values(), key=lambda key: (key.signs_from, key.kid))


def open_of(database: MemoryDatabase, account: UUID, at: datetime) -> list[Session]:
    """Return the open sessions of an account, the oldest first."""
    found = [each for each in database.sessions.values() if each.account == account and each.is_open(at)]
    return sorted(found, key=lambda each: each.id)
