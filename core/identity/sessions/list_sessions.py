"""List the sessions of an account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.identity.session import Session, SessionId
from core.identity.session_ports import SessionViews
from core.identity.sessions.session_holder import session_holder
from core.kernel.authorization import current_principal, open_to_all
from core.kernel.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """What an account sees of one of its sessions."""

    id: SessionId
    current: bool
    """Whether it is the session of the caller."""
    methods: tuple[str, ...]
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    address: str
    device: str


@open_to_all
@dataclass(frozen=True, slots=True)
class ListSessions:
    """List the open sessions of the caller, the newest first."""

    session_views: SessionViews
    clock: Clock

    async def __call__(self) -> Sequence[OpenSession]:
        """Return at most 100 sessions; raise `NotAuthenticated` and, for an API key, `NotPermitted`."""
        account, current = session_holder("see the sessions of an account"), current_principal.get().session
        found = await self.session_views.open_of(account, self.clock.now())
        return [open_session(each, is_current=each.id == current) for each in found]


def open_session(session: Session, *, is_current: bool) -> OpenSession:
    """Return what its account sees of a session."""
    return OpenSession(
        id=session.id,
        current=is_current,
        methods=session.methods,
        created_at=session.created_at,
        used_at=session.used_at,
        expires_at=session.expires_at,
        address=session.address,
        device=session.device,
    )
