"""End every session of an account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from core.identity.ports import IdentityUnitOfWork, NewIdentityUnitOfWork
from core.identity.session import EndedSession, SessionId
from core.identity.sessions.session_holder import session_holder
from core.identity.sessions.session_watch import SessionWatch
from core.kernel.audit import Deed
from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock


@open_to_all
@dataclass(frozen=True, slots=True)
class EndSessions:
    """Sign the caller out everywhere."""

    ACTION: ClassVar = "end-sessions"

    new_work: NewIdentityUnitOfWork
    session_watch: SessionWatch
    clock: Clock

    async def __call__(self) -> int:
        """Return the number of ended sessions; raise `NotAuthenticated` and, for an API key, `NotPermitted`."""
        account = session_holder("end the sessions of an account")
        async with self.new_work() as work:
            if ended := await end_all(work, account, self.clock.now()):
                work.audit(Deed(action=self.ACTION, target=f"account/{account}", after={"sessions": len(ended)}))
                await work.commit()
        self.session_watch.end(*ended)
        return len(ended)


async def end_all(
    work: IdentityUnitOfWork, account: UUID, at: datetime, *, but: SessionId | None = None
) -> Sequence[EndedSession]:
    """End the open sessions of an account, or all but one, in an open unit of work, and return them."""
    found = [each for each in await work.sessions.lock_open_of(account, at) if each.id != but]
    for session in found:
        work.sessions.replace(session.ended(at))
    return [EndedSession(session.id, at) for session in found]
