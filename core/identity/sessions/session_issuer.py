"""Opens sessions and makes the tokens that a client receives."""

from dataclasses import dataclass
from datetime import timedelta

from core.identity.account import Account
from core.identity.passwords.password import Password
from core.identity.ports import AccessTokens, NewIdentityUnitOfWork, RefreshTokens
from core.identity.sessions.errors import WrongCredentials
from core.identity.sessions.session import MAX_DEVICE_LENGTH, Session, SessionId
from core.identity.sessions.tokens import AccessClaims, RefreshToken, SessionTokens
from core.kernel.authorization import current_principal
from core.kernel.clock import Clock
from core.kernel.ids import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """An account that has proved its identity."""

    account: Account
    methods: tuple[str, ...]
    """How, in the words of RFC 8176."""
    password: Password | None = None
    """The password that was verified: the session is refused when it changes before the session is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIssuer:
    """Opens sessions, the same for each way to sign in."""

    new_work: NewIdentityUnitOfWork
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    clock: Clock
    ids: Ids
    access_lifetime: timedelta
    refresh_lifetime: timedelta

    async def open(self, proof: Proof, device: str = "") -> SessionTokens:
        """Store a session and return its tokens; raise `WrongCredentials` if the password changed meanwhile."""
        session_id, now = SessionId(self.ids.new()), self.clock.now()
        token = self.refresh_tokens.create(session_id, 1)
        session = Session(
            id=session_id,
            account=proof.account.id,
            methods=proof.methods,
            proved_at=now,
            created_at=now,
            used_at=now,
            expires_at=now + self.refresh_lifetime,
            address=current_principal.get().address,
            device=device[:MAX_DEVICE_LENGTH],
            digest=token.digest,
        )
        tokens = self.tokens(session, proof.account, token)
        async with self.new_work() as work:
            if proof.password and await work.passwords.lock(proof.account.id) != proof.password:
                raise WrongCredentials("the password was changed just now")
            work.sessions.add(session)
            await work.commit()
        return tokens

    def tokens(self, session: Session, account: Account, refresh_token: RefreshToken) -> SessionTokens:
        """Return a refresh token with a new access token."""
        now = self.clock.now().replace(microsecond=0)
        claims = AccessClaims(
            account=account.id,
            session=session.id,
            roles=tuple(sorted(account.roles)),
            centre=account.centre,
            student=account.student,
            methods=session.methods,
            id=self.ids.new(),
            issued_at=now,
            expires_at=now + self.access_lifetime,
        )
        return SessionTokens(
            session=session.id,
            access_token=self.access_tokens.issue(claims),
            refresh_token=refresh_token.text,
            expires_in=int(self.access_lifetime.total_seconds()),
        )
