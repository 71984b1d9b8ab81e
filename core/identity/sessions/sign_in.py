"""Sign in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.identity.session import DEVICE
from core.identity.sessions.session_issuer import SessionIssuer
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

    async def __call__(self, credential: Any, *, device: str = "", address: str = "") -> SessionTokens:
        """Return the tokens of the new session; raise `WrongCredentials`."""
        DEVICE.check("device", device)
        proof = await self.sign_in_methods[type(credential)].prove(credential, address)
        return await self.session_issuer.open(proof, device=device, address=address)
