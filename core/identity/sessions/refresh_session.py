"""Refresh a session."""

from dataclasses import dataclass

from core.identity.errors import RefreshTokenReused
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.session import EndedSession, SessionId
from core.identity.session_ports import RefreshTokens
from core.identity.sessions.end_session import EndSession
from core.identity.sessions.refresh_batcher import RefreshBatcher
from core.identity.sessions.session_watch import SessionWatch
from core.identity.tokens import SessionTokens
from core.kernel.audit import Deed
from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock


@open_to_all
@dataclass(frozen=True, slots=True)
class RefreshSession:
    """Exchange a refresh token for its successor and a new access token.

    Clients that use one token at the same time get one successor. A token that was used before ends its session.
    """

    new_work: NewIdentityUnitOfWork
    refresh_tokens: RefreshTokens
    refresh_batcher: RefreshBatcher
    session_watch: SessionWatch
    clock: Clock

    async def __call__(self, text: str) -> SessionTokens:
        """Return the tokens; raise `NotAuthenticated`, `SessionEnded`, or `RefreshTokenReused` after the end."""
        token = self.refresh_tokens.read(text)
        await self.session_watch.ensure_read()  # of the key that signs
        try:
            return await self.refresh_batcher.refresh(token)
        except RefreshTokenReused:
            await self._end(token.session)
            raise

    async def _end(self, session_id: SessionId) -> None:
        """End a session in a transaction of its own, which the refusal of the request does not roll back."""
        async with self.new_work() as work:
            session = await work.sessions.lock(session_id)
            if session is None or session.ended_at:
                return
            work.sessions.replace(session.ended(now := self.clock.now()))
            why = "a refresh token was used again after its grace"
            work.audit(Deed(action=EndSession.ACTION, target=f"session/{session_id}", reason=why))
            await work.commit()
        self.session_watch.end(EndedSession(session_id, now))
