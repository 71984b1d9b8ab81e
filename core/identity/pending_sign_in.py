"""A sign-in whose person is at an identity provider."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Self
from uuid import UUID

from core.identity.identity_provider import AuthorizationRequest
from core.kernel.authorization import Principal

LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSignIn:
    """What is kept until the browser comes back; neither state nor browser secret can be read from it."""

    state_digest: bytes = field(repr=False)
    browser_digest: bytes = field(repr=False)
    provider: str
    account: UUID | None = None
    """The account that asked to be linked; None for a sign-in."""
    session: UUID | None = None
    """The session in which it asked."""
    at: datetime

    @classmethod
    def of(cls, request: AuthorizationRequest, provider: str, at: datetime, caller: Principal | None = None) -> Self:
        """Return what is kept of a request; a caller is to be linked."""
        return cls(
            state_digest=digest(request.state),
            browser_digest=digest(request.browser_secret),
            provider=provider,
            account=caller.account if caller else None,
            session=caller.session if caller else None,
            at=at,
        )

    def is_answered(self, provider: str, browser_secret: str, at: datetime) -> bool:
        """Tell whether the browser that started comes back from this provider in time."""
        is_browser = compare_digest(self.browser_digest, digest(browser_secret))
        return is_browser and self.provider == provider and self.at <= at < self.at + LIFETIME


def digest(secret: str) -> bytes:
    """Return the SHA-256 of a random secret."""
    return sha256(secret.encode(errors="replace")).digest()
