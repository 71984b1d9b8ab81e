"""A session: a family of refresh tokens, of which the newest is valid and the one before it for a moment."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple, NewType
from uuid import UUID

from core.kernel.constraints import UNREADABLE, Text

SessionId = NewType("SessionId", UUID)
GRACE = timedelta(seconds=10)
"""How long a used refresh token answers with the same successor: clients refresh at the same time, or repeat."""
MAX_LIFETIME = timedelta(days=30)
"""After this time the account signs in again, however often the session was refreshed."""
AFTER_EXPIRY = timedelta(days=1)
"""How long an expired session is kept: its end must be known for longer than its last access token is valid."""
MAX_DEVICE_LENGTH = 200
DEVICE = Text(f"a line of at most {MAX_DEVICE_LENGTH} characters", f"[^{UNREADABLE}]*", MAX_DEVICE_LENGTH)


class EndedSession(NamedTuple):
    """When a session ended."""

    id: SessionId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What an account has open in one browser or program."""

    id: SessionId
    account: UUID
    methods: tuple[str, ...]
    """How the account proved its identity, in the words of RFC 8176."""
    proved_at: datetime
    """When it last did; deeds that give power need it fresh."""
    created_at: datetime
    used_at: datetime
    """The last refresh."""
    expires_at: datetime
    """Without a further refresh."""
    ended_at: datetime | None = None
    address: str = ""
    device: str = ""
    """What the client calls itself."""
    generation: int = 1
    """The number of the refresh token that is valid."""
    digest: bytes = field(repr=False)
    previous_digest: bytes = field(default=b"", repr=False)
    sealed: bytes = field(default=b"", repr=False)
    """The valid refresh token, encrypted under a key of the one before it."""

    def is_open(self, at: datetime) -> bool:
        """Tell whether the session has neither ended nor expired."""
        return self.ended_at is None and at < self.expires_at

    def accepts(self, generation: int, digest: bytes) -> bool:
        """Tell whether a refresh token is the valid one."""
        return (generation, digest) == (self.generation, self.digest)

    def repeats(self, generation: int, digest: bytes, at: datetime) -> bool:
        """Tell whether a refresh token was used just now, and its successor was not."""
        is_previous = (generation, digest) == (self.generation - 1, self.previous_digest)
        return is_previous and at <= self.used_at + GRACE

    def rotated(self, digest: bytes, sealed: bytes, at: datetime, lifetime: timedelta) -> "Session":
        """Return the session with its next refresh token."""
        return replace(
            self,
            generation=self.generation + 1,
            digest=digest,
            previous_digest=self.digest,
            sealed=sealed,
            used_at=at,
            expires_at=min(at + lifetime, self.created_at + MAX_LIFETIME),
        )

    def proved(self, methods: tuple[str, ...], at: datetime) -> "Session":
        """Return the session after its account proved its identity once more."""
        return replace(self, methods=tuple(dict.fromkeys((*self.methods, *methods))), proved_at=at)

    def ended(self, at: datetime) -> "Session":
        """Return the session ended; the moment of a first end remains."""
        return replace(self, ended_at=self.ended_at or at, sealed=b"")
