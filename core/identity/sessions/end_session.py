"""End a session."""

from dataclasses import dataclass
from typing import ClassVar

from core.identity.errors import UnknownSession
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.session import EndedSession, Session, SessionId
from core.identity.sessions.session_holder import session_holder
from core.identity.sessions.session_watch import SessionWatch
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, Principal, current_principal, open_to_all
from core.kernel.clock import Clock


@open_to_all
@dataclass(frozen=True, slots=True)
class EndSession:
    """End one session of the caller; who may change accounts may end any."""

    ACTION: ClassVar = "end-session"

    new_work: NewIdentityUnitOfWork
    session_watch: SessionWatch
    clock: Clock

    async def __call__(self, session_id: SessionId) -> None:
        """Return after the end is stored; raise `UnknownSession` for one of another account, and for an ended one.

        Raises `NotPermitted` for an API key that may not change accounts.
        """
        caller = current_principal.get()
        if Permission.ACCOUNTS_WRITE not in caller.permissions:
            session_holder("end a session")
        async with self.new_work() as work:
            session, now = await work.sessions.lock(session_id), self.clock.now()
            if session is None or not session.is_open(now) or not may_end(caller, session):
                raise UnknownSession(f"there is no open session {session_id}")
            work.sessions.replace(session.ended(now))
            work.audit(Deed(action=self.ACTION, target=f"session/{session_id}", after={"account": session.account}))
            await work.commit()
        self.session_watch.end(EndedSession(session_id, now))


def may_end(caller: Principal, session: Session) -> bool:
    """Tell whether a session exists for the caller."""
    return caller.account == session.account or Permission.ACCOUNTS_WRITE in caller.permissions
