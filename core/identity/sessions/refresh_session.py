"""Refresh a session."""

from dataclasses import dataclass

from core.identity.account import AccountId
from core.identity.errors import RefreshTokenReused, SessionEnded
from core.identity.ports import IdentityUnitOfWork, NewIdentityUnitOfWork
from core.identity.session import EndedSession, Session, SessionId
from core.identity.session_ports import RefreshTokens
from core.identity.sessions.end_session import EndSession
from core.identity.sessions.session_issuer import SessionIssuer
from core.identity.sessions.session_watch import SessionWatch
from core.identity.tokens import RefreshToken, SessionTokens
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
    session_issuer: SessionIssuer
    session_watch: SessionWatch
    clock: Clock

    async def __call__(self, text: str) -> SessionTokens:
        """Return the tokens; raise `NotAuthenticated`, `SessionEnded`, or `RefreshTokenReused` after the end."""
        token = self.refresh_tokens.read(text)
        await self.session_watch.ensure_read()  # of the key that signs
        async with self.new_work() as work:
            session = await work.sessions.lock(token.session)
            if session is None or not session.is_open(self.clock.now()):
                raise SessionEnded("the session has ended; sign in again")
            if (successor := self._successor(work, session, token)) is not None:
                account = await work.accounts.find(AccountId(session.account))
                if account is None or not account.active:
                    raise SessionEnded("the account may not sign in")
                tokens = self.session_issuer.tokens(session, account, successor)
                await work.commit()
                return tokens
        await self._end(token.session)
        raise RefreshTokenReused("this refresh token was used before, so its session has ended; sign in again")

    def _successor(self, work: IdentityUnitOfWork, session: Session, token: RefreshToken) -> RefreshToken | None:
        """Return the next refresh token; None for a token that was used before."""
        now = self.clock.now()
        if session.repeats(token.generation, token.digest, now):
            return self.refresh_tokens.unseal(session.sealed, token)
        if not session.accepts(token.generation, token.digest):
            return None
        successor = self.refresh_tokens.create(session.id, token.generation + 1)
        sealed = self.refresh_tokens.seal(successor, token)
        work.sessions.replace(session.rotated(successor.digest, sealed, now, self.session_issuer.refresh_lifetime))
        return successor

    async def _end(self, session_id: SessionId) -> None:
        """End a session in a transaction of its own, which the refusal of the request does not roll back."""
        async with self.new_work() as work:
            session = await work.sessions.lock(session_id)
            if session is None:
                return
            ended = session.ended(now := self.clock.now())
            work.sessions.replace(ended)
            why = "a refresh token was used again after its grace"
            work.audit(Deed(action=EndSession.ACTION, target=f"session/{session_id}", reason=why))
            await work.commit()
        self.session_watch.end(EndedSession(session_id, ended.ended_at or now))
