"""The port of identity providers: servers that verify who a person is."""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Protocol

from core.kernel.authorization import NotAuthenticated
from core.kernel.errors import NotFound, Unavailable

MAX_CODE_LENGTH, MAX_STATE_LENGTH = 4_096, 128


class IdentityRefused(NotAuthenticated):
    """The identity provider's answer does not prove an identity in this browser; start the sign-in again."""

    problem = "identity-refused"


class ProviderUnavailable(Unavailable):
    """The identity provider does not answer, or not as OpenID Connect requires; other ways to sign in work."""

    problem = "provider-unavailable"


class UnknownProvider(NotFound):
    """No identity provider has this name."""

    problem = "unknown-provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person as an identity provider knows it; issuer and subject identify it, and nothing else does."""

    issuer: str
    subject: str
    """Unique at the issuer, and never given to another person."""
    email: str = ""
    email_verified: bool = False
    """Whether the provider vouches that the address belongs to the person."""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """What a browser needs to start a sign-in."""

    url: str
    """Where the browser goes."""
    state: str
    """Comes back with the answer; valid once."""
    browser_secret: str = field(repr=False)
    """Stays in the browser that started: nonce and code verifier are derived from it."""


class IdentityProvider(Protocol):
    """One identity provider; both methods raise `ProviderUnavailable`."""

    @abstractmethod
    async def begin(self) -> AuthorizationRequest:
        """Return a new request."""

    @abstractmethod
    async def complete(self, code: str, issuer: str | None, browser_secret: str) -> Identity:
        """Exchange the code for an identity; raise `IdentityRefused`.

        `issuer` is the parameter `iss` of the answer (RFC 9207); None if there is none.
        """
