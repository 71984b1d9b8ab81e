"""The password of an account, and the one-time link that sets it."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Self, TypeAlias
from uuid import UUID

from core.kernel.constraints import Text

LINK_LIFETIME = timedelta(hours=24)
LOGIN = Text("3 to 64 letters, digits, or any of . _ @ + -", r"[A-Za-z0-9._@+-]{3,64}")
Login: TypeAlias = Annotated[str, LOGIN]


def folded_login(login: str) -> str:
    """Return the spelling of a login that is stored; raise `Invalid` for another form."""
    LOGIN.check("login", login)
    return login.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """The login of an account with the hash of its password."""

    account: UUID
    login: str
    hash: str = field(default="", repr=False)
    """Empty until the first link is used: nothing matches it."""
    changed_at: datetime
    link_digest: bytes | None = field(default=None, repr=False)
    """SHA-256 of the one link that sets the password; None: there is none."""
    link_expires_at: datetime | None = None

    def linked(self, digest: bytes, expires_at: datetime) -> Self:
        """Return the password with a new link; an earlier one is no longer valid."""
        return replace(self, link_digest=digest, link_expires_at=expires_at)

    def unlinked(self) -> Self:
        """Return the password without a link."""
        return replace(self, link_digest=None, link_expires_at=None)

    def has_valid_link(self, at: datetime) -> bool:
        """Tell whether the link is neither used nor expired."""
        return self.link_expires_at is not None and at < self.link_expires_at

    def unusable(self) -> Self:
        """Return the password without its hash: nothing matches it."""
        return replace(self, hash="")

    def changed(self, hashed: str, at: datetime) -> Self:
        """Return the password with another hash; its link is used up."""
        return replace(self.unlinked(), hash=hashed, changed_at=at)
