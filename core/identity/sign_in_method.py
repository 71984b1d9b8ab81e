"""The ways to sign in: each takes one kind of credential."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from core.identity.account import AccountId
from core.identity.password import folded_login
from core.identity.password_policy import normal_password
from core.identity.session_errors import WrongCredentials
from core.identity.session_issuer import Proof
from core.identity.session_ports import PasswordHasher, PasswordList
from core.identity.sign_in_guard import SignInGuard


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCredential:
    """The login of an account and its password."""

    login: str
    password: str = field(repr=False)


class SignInMethod(ABC):
    """A way to prove an identity."""

    @abstractmethod
    async def prove(self, credential: Any, address: str) -> Proof:
        """Return the account and how it proved its identity; raise `WrongCredentials`.

        `address` is where the client is: wrong secrets are counted by it.
        """


@dataclass(frozen=True, slots=True)
class PasswordMethod(SignInMethod):
    """Signs in with a password; an unknown login costs the same work and gets the same answer as a wrong password."""

    password_list: PasswordList
    password_hasher: PasswordHasher
    sign_in_guard: SignInGuard

    async def prove(self, credential: PasswordCredential, address: str) -> Proof:
        """Return the proof; raise `Invalid` for what no login or password can be, before any work."""
        login = folded_login(credential.login)
        normal_password(credential.password)
        async with self.sign_in_guard.attempt(login, address):
            known = await self.password_list.find(login)
            matches = await self.password_hasher.verify(credential.password, known.hash if known else None)
            if known is None or not matches:
                raise WrongCredentials("the login or the password is wrong")
        rehashed = ""
        if self.password_hasher.is_outdated(known.hash):
            rehashed = await self.password_hasher.hash(credential.password)
        return Proof(account=AccountId(known.account), methods=("pwd",), password=known, rehashed=rehashed)
