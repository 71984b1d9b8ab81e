"""Step up: prove the second factor within an open session."""

from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from core.identity.account import AccountId
from core.identity.errors import NoSecondFactor, SessionEnded
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.second_factor import normal_code
from core.identity.second_factors.own_session import caller_with_session, locked_session
from core.identity.session import SessionId
from core.identity.sessions.second_factor_check import SecondFactorCheck
from core.identity.sessions.session_issuer import SessionIssuer
from core.identity.sessions.sign_in_guard import SignInGuard
from core.kernel.audit import Deed
from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshAccess:
    """An access token that permits for 15 minutes what gives power; the refresh token stays as it is."""

    session: SessionId
    access_token: str = field(repr=False)
    expires_in: int
    """Seconds until the access token expires."""
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's name of the scheme


@open_to_all
@dataclass(frozen=True, slots=True)
class StepUp:
    """Prove the second factor of the caller with a code or a recovery code."""

    ACTION: ClassVar = "step-up"

    new_work: NewIdentityUnitOfWork
    second_factor_check: SecondFactorCheck
    session_issuer: SessionIssuer
    sign_in_guard: SignInGuard
    clock: Clock

    async def __call__(self, *, code: str) -> FreshAccess:
        """Return the token; raise `WrongCredentials` for a code, `NoSecondFactor` for an account without one."""
        caller = caller_with_session()
        normal_code(code)
        async with self.sign_in_guard.code_attempt(caller.account or UUID(int=0), caller.address):
            return await self._proved(code)

    async def _proved(self, code: str) -> FreshAccess:
        now = self.clock.now()
        async with self.new_work() as work:
            session, _ = await locked_session(work, now)
            account = await work.accounts.find(AccountId(session.account))
            if account is None or not account.active:
                raise SessionEnded("the account may not sign in")
            if not (methods := await self.second_factor_check.use_up(work, account.id, code)):
                raise NoSecondFactor("the account has no second factor: sign in again with the password instead")
            session = session.proved(methods, now)
            work.sessions.replace(session)
            work.audit(Deed(action=self.ACTION, target=f"session/{session.id}"))
            token = self.session_issuer.access_token(session, account)
            await work.commit()
        return FreshAccess(session=session.id, access_token=token, expires_in=self.session_issuer.expires_in)
