"""What access and refresh tokens say."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core.identity.roles import Role
from core.identity.session import SessionId
from core.kernel.authorization import MAX_PROOF_AGE

COUNTED_AS_FRESH = frozenset({"pwd", "mfa"})
"""Not `oidc`: an identity provider may answer for a person who signed in there days ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """The content of an access token; issuer and audience are those of the installation."""

    account: UUID
    session: SessionId
    roles: tuple[Role, ...]
    centre: str = ""
    student: UUID | None = None
    methods: tuple[str, ...] = ()
    """How the account proved its identity, in the words of RFC 8176: `pwd`, `otp`."""
    id: UUID
    issued_at: datetime
    """In whole seconds, as is the next."""
    expires_at: datetime
    proved_at: datetime | None = None
    """When the account last proved its identity; None in tokens of earlier releases."""

    def is_fresh(self, at: datetime) -> bool:
        """Tell whether the account proved its identity just now.

        A session by password alone belongs to an account without a second factor: enrolling one ends the others.
        """
        is_strong = not COUNTED_AS_FRESH.isdisjoint(self.methods)
        return is_strong and self.proved_at is not None and at - self.proved_at <= MAX_PROOF_AGE


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """One token of the family that a session is."""

    session: SessionId
    generation: int
    text: str = field(repr=False)
    digest: bytes = field(repr=False)
    """SHA-256 of the text: what is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTokens:
    """What a client receives when it signs in or refreshes."""

    session: SessionId
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    """Seconds until the access token expires."""
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's name of the scheme
