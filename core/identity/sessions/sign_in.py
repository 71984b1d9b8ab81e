"""Sign in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.identity.code_limits import CodeLimits
from core.identity.errors import WrongCredentials
from core.identity.session import DEVICE
from core.identity.sessions.refused_sign_ins import RefusedSignIns
from core.identity.sessions.session_issuer import Proof, SessionIssuer
from core.identity.sessions.sign_in_guard import SignInGuard
from core.identity.sessions.sign_in_method import SignInMethod
from core.identity.tokens import SessionTokens
from core.kernel.authorization import open_to_all


@open_to_all
@dataclass(frozen=True, slots=True)
class SignIn:
    """Open a session for an account that proves its identity."""

    sign_in_methods: Mapping[type[Any], SignInMethod]
    """By the kind of credential."""
    session_issuer: SessionIssuer
    sign_in_guard: SignInGuard
    refused_sign_ins: RefusedSignIns
    code_limits: CodeLimits

    async def __call__(self, credential: Any, *, code: str = "", device: str = "", address: str = "") -> SessionTokens:
        """Return the tokens of the new session; raise `WrongCredentials`, or `SecondFactorNeeded` without a code."""
        DEVICE.check("device", device)
        proof = await self.sign_in_methods[type(credential)].prove(credential, address)
        tokens = await self._open(proof, code=code, device=device, address=address)
        if proof.secret:
            await self.code_limits.note_use(address)
        return tokens

    async def _open(self, proof: Proof, *, code: str, device: str, address: str) -> SessionTokens:
        if not code:
            return await self.session_issuer.open(proof, device=device, address=address)
        async with self.sign_in_guard.code_attempt(proof.account, address):
            try:
                return await self.session_issuer.open(replace(proof, code=code), device=device, address=address)
            except WrongCredentials:
                await self.refused_sign_ins.record(str(proof.account), proof.account, address)
                raise
