"""The port of the ways to sign in: each takes one kind of credential."""

from abc import ABC, abstractmethod
from typing import Any

from core.identity.sessions.session_issuer import Proof


class SignInMethod(ABC):
    """A way to prove an identity."""

    @abstractmethod
    async def prove(self, credential: Any, address: str) -> Proof:
        """Return the account and how it proved its identity; raise `WrongCredentials`.

        `address` is where the client is: wrong secrets are counted by it.
        """
