"""Opens sessions and makes the tokens that a client receives."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from core.identity.account import Account, AccountId
from core.identity.errors import WrongCredentials
from core.identity.one_time_secret import Purpose, SecretId, wrong_code
from core.identity.password import Password
from core.identity.ports import IdentityUnitOfWork, NewIdentityUnitOfWork
from core.identity.session import Session, SessionId
from core.identity.session_ports import AccessTokens, RefreshTokens
from core.identity.sessions.second_factor_check import SecondFactorCheck
from core.identity.sessions.session_watch import SessionWatch
from core.identity.tokens import AccessClaims, RefreshToken, SessionTokens
from core.kernel.audit import Deed
from core.kernel.clock import Clock
from core.kernel.ids import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """An account that has proved its identity."""

    account: AccountId
    methods: tuple[str, ...]
    """How, in the words of RFC 8176."""
    password: Password | None = None
    """The password that was verified: the session is refused when it changes before the session is stored."""
    rehashed: str = field(default="", repr=False)
    """The hash of the same password with the parameters of today, if that which is stored has others."""
    secret: SecretId | None = None
    """The one-time code that was verified; it is used up when the session is stored."""
    code: str = field(default="", repr=False)
    """Of the second factor; it is used up when the session is stored."""
    is_complete: bool = False
    """Whether no second factor is asked for: an identity provider asks for its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIssuer:
    """Opens sessions, the same for each way to sign in."""

    new_work: NewIdentityUnitOfWork
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    session_watch: SessionWatch
    second_factor_check: SecondFactorCheck
    clock: Clock
    ids: Ids
    access_lifetime: timedelta
    refresh_lifetime: timedelta

    async def open(self, proof: Proof, *, device: str = "", address: str = "") -> SessionTokens:
        """Store a session and return its tokens.

        Raises `WrongCredentials` for an account that may not sign in (now), and `SecondFactorNeeded`.
        """
        await self.session_watch.ensure_read()  # of the key that signs
        session_id = SessionId(self.ids.new())
        token = self.refresh_tokens.create(session_id, 1)
        session = replace(self._session(session_id, proof, token), device=device, address=address)
        async with self.new_work() as work:
            account = await work.accounts.lock(proof.account)  # against a disabling, which ends the open sessions
            if account is None or not account.active:
                raise WrongCredentials("the login or the password is wrong")
            if proof.password:
                await self._confirm(work, proof.password, proof.rehashed)
            if not proof.is_complete:
                more = await self.second_factor_check.use_up(work, proof.account, proof.code)
                session = session.proved(more, session.proved_at)
            if proof.secret:
                await self._use_up(work, proof.secret)
            work.sessions.add(session)
            after = {"session": session_id, "methods": session.methods, "address": address}
            work.audit(Deed(action="sign-in", target=f"account/{account.id}", after=after))
            tokens = self.tokens(session, account, token)
            await work.commit()
        return tokens

    def _session(self, session_id: SessionId, proof: Proof, token: RefreshToken) -> Session:
        now = self.clock.now()
        return Session(
            id=session_id,
            account=proof.account,
            methods=proof.methods,
            proved_at=now,
            created_at=now,
            used_at=now,
            expires_at=now + self.refresh_lifetime,
            digest=token.digest,
        )

    async def _confirm(self, work: IdentityUnitOfWork, verified: Password, rehashed: str) -> None:
        """Refuse a password that was changed since it was verified; store its new hash."""
        current = await work.passwords.lock(verified.account)
        if current is None or current.hash != verified.hash:
            raise WrongCredentials("the password was changed just now")
        if rehashed:
            work.passwords.replace(replace(current, hash=rehashed))

    async def _use_up(self, work: IdentityUnitOfWork, verified: SecretId) -> None:
        """Use up a one-time code; refuse one that another sign-in has used since it was verified."""
        secret = await work.one_time_secrets.lock(verified)
        if secret is None or not secret.is_open(Purpose.SIGN_IN, self.clock.now()):
            raise wrong_code()
        work.one_time_secrets.replace(secret.used())

    def tokens(self, session: Session, account: Account, refresh_token: RefreshToken) -> SessionTokens:
        """Return a refresh token with a new access token."""
        return SessionTokens(
            session=session.id,
            access_token=self.access_token(session, account),
            refresh_token=refresh_token.text,
            expires_in=self.expires_in,
        )

    @property
    def expires_in(self) -> int:
        """Return the seconds until a new access token expires."""
        return int(self.access_lifetime.total_seconds())

    def access_token(self, session: Session, account: Account) -> str:
        """Return a new access token."""
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
            proved_at=session.proved_at,
        )
        return self.access_tokens.issue(claims)
