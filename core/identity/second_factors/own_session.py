"""The session of the caller, and the second factor of its account."""

from datetime import datetime
from typing import cast

from core.identity.account import AccountId
from core.identity.errors import SessionEnded
from core.identity.ports import IdentityUnitOfWork
from core.identity.second_factor import SecondFactor
from core.identity.session import Session, SessionId
from core.kernel.authorization import NotAuthenticated, Principal, current_principal


def caller_with_session() -> Principal:
    """Return the caller; raise `NotAuthenticated` for one without a session."""
    caller = current_principal.get()
    if caller.account is None or caller.session is None:
        raise NotAuthenticated("sign in: a second factor belongs to a session, and an API key has none")
    return caller


async def locked_session(work: IdentityUnitOfWork, at: datetime) -> tuple[Session, SecondFactor | None]:
    """Lock and return the open session of the caller, and the second factor of its account; raise `SessionEnded`.

    Each use case locks the account, its second factor and its sessions in this order, so that none waits for another
    one that waits for it. The row of an account exists before that of its second factor: it orders first enrolments.
    """
    caller = caller_with_session()
    account, session_id = cast(AccountId, caller.account), cast(SessionId, caller.session)
    await work.accounts.lock(account)
    factor = await work.second_factors.lock(account)
    session = await work.sessions.lock(session_id)
    if session is None or session.account != account or not session.is_open(at):
        raise SessionEnded("the session has ended; sign in again")
    return session, factor
