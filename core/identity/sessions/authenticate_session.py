"""Find out who acts by an access token."""

from dataclasses import dataclass

from core.identity.account import permissions_of
from core.identity.session_ports import AccessTokens
from core.identity.sessions.session_watch import SessionWatch
from core.kernel.authorization import Principal, open_to_all
from core.kernel.clock import Clock


@open_to_all
@dataclass(frozen=True, slots=True)
class AuthenticateSession:
    """Tell who acts by an access token, without a query."""

    access_tokens: AccessTokens
    session_watch: SessionWatch
    clock: Clock

    async def __call__(self, token: str, address: str = "") -> Principal:
        """Return the principal; raise `NotAuthenticated`, or `Unavailable` when ended sessions are not known."""
        await self.session_watch.ensure_read()
        claims = self.access_tokens.verify(token)
        await self.session_watch.check(claims)
        return Principal(
            subject=f"account:{claims.account}",
            permissions=permissions_of(frozenset(claims.roles)),
            account=claims.account,
            session=claims.session,
            centre=claims.centre,
            student=claims.student,
            address=address,
            fresh=claims.is_fresh(self.clock.now()),
        )
