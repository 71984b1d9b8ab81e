"""The identity context over one application with a clock that tests advance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyotp
from dependency_injector import providers

from adapters.argon2.password_hasher import Argon2PasswordHasher
from config.container import Application
from core.identity.account import Account, NewAccount
from core.identity.roles import Role
from core.identity.session_ports import PasswordHasher
from core.identity.sessions.session_issuer import Proof
from core.identity.tokens import SessionTokens
from core.kernel.authorization import Principal, acting_as
from tests.examples import StoppedClock

GOOD_PASSWORD = "harbour violet lantern 7"


class QuickHasher(PasswordHasher):
    """Hashes at once, for rules that are not about hashing."""

    async def hash(self, password: str) -> str:
        return f"hash of {password}"

    async def verify(self, password: str, stored: str | None) -> bool:
        return stored == f"hash of {password}"

    def is_outdated(self, stored: str) -> bool:
        return False


@dataclass
class Authenticator:
    """The app of a person: its codes come from the secret alone, as RFC 6238 says."""

    secret: str
    clock: StoppedClock
    recovery_codes: Sequence[str] = ()

    def code(self, steps: int = 0) -> str:
        """Return the code of the present moment, or of a time step before or after it."""
        return pyotp.TOTP(self.secret).at(self.clock.now() + steps * timedelta(seconds=30))


@dataclass
class Office:
    """An application as tests see it."""

    application: Application
    clock: StoppedClock

    @classmethod
    def over(cls, application: Application, *, slow_hashes: bool = False) -> "Office":
        """Replace the clock, and the hasher unless `slow_hashes`."""
        clock = StoppedClock()
        application.process.clock.override(providers.Object(clock))
        hasher = Argon2PasswordHasher(1) if slow_hashes else QuickHasher()
        application.identity.password_hasher.override(providers.Object(hasher))
        return cls(application, clock)

    @property
    def identity(self) -> Any:
        """Return the use cases."""
        return self.application.use_cases().identity

    async def open(self) -> "Office":
        """Create the signing key."""
        await self.identity.create_signing_key()
        return self

    async def account(self, role: Role = Role.OFFICER) -> Account:
        """Create an account."""
        return await self.identity.create_account(NewAccount(roles=(role,), name="Meenakshi Iyer"))

    async def with_password(
        self, login: str = "meenakshi", password: str = GOOD_PASSWORD, role: Role = Role.OFFICER
    ) -> Account:
        """Create an account with a password."""
        account = await self.account(role)
        link = await self.identity.create_password_link(account.id, login)
        await self.identity.set_password(link.token, password)
        return account

    async def signed_in(self, account: Account) -> SessionTokens:
        """Open a session without a credential."""
        issuer = self.application.identity.session_issuer()
        return await issuer.open(Proof(account=account.id, methods=("pwd",)))

    async def with_second_factor(self, tokens: SessionTokens) -> "Authenticator":
        """Enrol and confirm a second factor of the account that a session belongs to."""
        with acting_as(await self.principal(tokens)):
            enrolment = await self.identity.enrol_second_factor()
            app = Authenticator(enrolment.secret, self.clock)
            confirmed = await self.identity.confirm_second_factor(code=app.code())
        app.recovery_codes = confirmed.recovery_codes
        return app

    async def principal(self, tokens: SessionTokens) -> Principal:
        """Return who acts by the access token."""
        return await self.identity.authenticate_session(tokens.access_token)
