"""Remove a second factor."""

from dataclasses import dataclass
from typing import ClassVar

from core.identity.errors import NoSecondFactor
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.second_factors.own_session import caller_with_session, locked_session
from core.identity.sessions.end_sessions import end_all
from core.identity.sessions.session_watch import SessionWatch
from core.kernel.audit import Deed
from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock


@open_to_all
@dataclass(frozen=True, slots=True)
class RemoveSecondFactor:
    """Take the second factor from the account of the caller; its other sessions end."""

    ACTION: ClassVar = "remove-second-factor"

    new_work: NewIdentityUnitOfWork
    session_watch: SessionWatch
    clock: Clock

    async def __call__(self) -> None:
        """Return after it is removed; raise `StepUpNeeded` without a fresh proof, and `NoSecondFactor`."""
        caller_with_session().require_fresh()
        now = self.clock.now()
        async with self.new_work() as work:
            session, factor = await locked_session(work, now)
            if factor is None:
                raise NoSecondFactor("the account has no second factor")
            await work.second_factors.remove(session.account)
            ended = await end_all(work, session.account, now, but=session.id)
            work.audit(Deed(action=self.ACTION, target=f"account/{session.account}"))
            await work.commit()
        self.session_watch.end(*ended)
