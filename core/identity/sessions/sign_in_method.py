"""The ways to sign in: each takes one kind of credential."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from core.identity.passwords.policy import normal_password
from core.identity.ports import NewIdentityUnitOfWork, PasswordHasher
from core.identity.sessions.errors import WrongCredentials
from core.identity.sessions.session_issuer import Proof

NO_ACCOUNT = "the name or the password is wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCredential:
    """The name of an account and its password."""

    account: str
    password: str = field(repr=False)


class SignInMethod(ABC):
    """A way to prove an identity."""

    @abstractmethod
    async def prove(self, credential: Any) -> Proof:
        """Return the account and how it proved its identity; raise `WrongCredentials`."""


@dataclass(frozen=True, slots=True)
class PasswordMethod(SignInMethod):
    """Signs in with a password; an unknown account costs the same work and gets the same answer as a wrong password."""

    new_work: NewIdentityUnitOfWork
    hasher: PasswordHasher

    async def prove(self, credential: PasswordCredential) -> Proof:
        normal_password(credential.password)
        async with self.new_work() as work:
            account = await work.accounts.find(credential.account)
            known = await work.passwords.find(account.id) if account else None
        matches = await self.hasher.verify(credential.password, known.hash if known else None)
        if not (matches and account and known and account.is_active):
            raise WrongCredentials(NO_ACCOUNT)
        return Proof(account=account, methods=("pwd",), password=known)
