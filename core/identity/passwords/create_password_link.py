"""Create a link that sets a password once."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from core.identity.passwords.password import LINK_LIFETIME, PasswordLink
from core.identity.ports import NewIdentityUnitOfWork
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasswordLink:
    """A link, shown once; only its digest is stored."""

    account: UUID
    link: str = field(repr=False)
    expires_at: datetime


@requires(Permission.ACCOUNTS_WRITE)
@dataclass(frozen=True, slots=True)
class CreatePasswordLink:
    """Create the one link of an account; an earlier one is no longer valid."""

    new_work: NewIdentityUnitOfWork
    clock: Clock

    async def __call__(self, account: UUID) -> NewPasswordLink:
        """Return the link; raise `UnknownAccount`."""
        text, expires_at = secrets.token_urlsafe(32), self.clock.now() + LINK_LIFETIME
        async with self.new_work() as work:
            work.password_links.put(
                PasswordLink(account=account, digest=sha256(text.encode()).digest(), expires_at=expires_at)
            )
            await work.commit()
        return NewPasswordLink(account=account, link=text, expires_at=expires_at)
