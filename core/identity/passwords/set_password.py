"""Set a password by a one-time link."""

from dataclasses import dataclass, replace
from hashlib import sha256

from core.identity.passwords.password import Password, PasswordLink
from core.identity.passwords.policy import new_password
from core.identity.ports import IdentityUnitOfWork, NewIdentityUnitOfWork, PasswordHasher
from core.identity.sessions.end_sessions import end_all
from core.identity.sessions.session_watch import SessionWatch
from core.kernel.authorization import NotAuthenticated, open_to_all
from core.kernel.clock import Clock


class LinkNotValid(NotAuthenticated):
    """The link was used, has expired, was replaced by a newer one, or never existed."""

    problem = "link-not-valid"


@open_to_all
@dataclass(frozen=True, slots=True)
class SetPassword:
    """Set the password of the account that a one-time link names, and end every session of the account."""

    new_work: NewIdentityUnitOfWork
    password_hasher: PasswordHasher
    session_watch: SessionWatch
    clock: Clock

    async def __call__(self, link: str, password: str) -> None:
        """Return after the password is stored; raise `LinkNotValid`, or `Invalid` with the rule that it breaks."""
        digest = sha256(link.encode(errors="replace")).digest()
        async with self.new_work() as work:
            account = await work.accounts.find((await self._usable(work, digest)).account)
        chosen = new_password(password, account.name if account else "")
        hashed = await self.password_hasher.hash(chosen)  # outside of a transaction: it takes 20 ms
        async with self.new_work() as work:
            found, now = await self._usable(work, digest), self.clock.now()
            work.passwords.put(Password(account=found.account, hash=hashed, changed_at=now))
            work.password_links.put(replace(found, used_at=now))
            ended = await end_all(work, found.account, now)
            await work.commit()
        self.session_watch.end(*ended)

    async def _usable(self, work: IdentityUnitOfWork, digest: bytes) -> PasswordLink:
        found = await work.password_links.lock(digest)
        if found is None or not found.is_usable(self.clock.now()):
            raise LinkNotValid("the link is not valid; an administrator creates another one")
        return found
