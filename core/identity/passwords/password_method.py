"""Signing in with a password."""

from dataclasses import dataclass, field

from core.identity.account import AccountId
from core.identity.errors import WrongCredentials
from core.identity.password import folded_login
from core.identity.passwords.password_policy import normal_password
from core.identity.session_ports import PasswordHasher, PasswordList
from core.identity.sessions.refused_sign_ins import RefusedSignIns
from core.identity.sessions.session_issuer import Proof
from core.identity.sessions.sign_in_guard import SignInGuard
from core.identity.sessions.sign_in_method import SignInMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCredential:
    """The login of an account and its password."""

    login: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordMethod(SignInMethod):
    """Signs in with a password; an unknown login costs the same work and gets the same answer as a wrong password."""

    password_list: PasswordList
    password_hasher: PasswordHasher
    sign_in_guard: SignInGuard
    refused_sign_ins: RefusedSignIns

    async def prove(self, credential: PasswordCredential, address: str) -> Proof:
        """Return the proof; raise `Invalid` for what no login or password can be, before any work."""
        login = folded_login(credential.login)
        normal_password(credential.password)
        async with self.sign_in_guard.attempt(login, address):
            known = await self.password_list.find(login)
            matches = await self.password_hasher.verify(credential.password, known.hash if known else None)
            if known is None or not matches:
                await self.refused_sign_ins.record(login, known.account if known else None, address)
                raise WrongCredentials("the login or the password is wrong")
        rehashed = ""
        if self.password_hasher.is_outdated(known.hash):
            rehashed = await self.password_hasher.hash(credential.password)
        return Proof(account=AccountId(known.account), methods=("pwd",), password=known, rehashed=rehashed)
