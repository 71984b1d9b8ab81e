"""The hashed password of an account, and the link that sets it once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

LINK_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """The hash of a password."""

    account: UUID
    hash: str = field(repr=False)
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLink:
    """The right to set the password of an account once; an account has at most one, the newest."""

    account: UUID
    digest: bytes = field(repr=False)
    expires_at: datetime
    used_at: datetime | None = None

    def is_usable(self, at: datetime) -> bool:
        """Tell whether the link is neither used nor expired."""
        return self.used_at is None and at < self.expires_at
