"""Set a password by a one-time link."""

from dataclasses import dataclass
from hashlib import sha256

from core.identity.account import AccountId
from core.identity.errors import LinkNotValid
from core.identity.password import Password
from core.identity.passwords.password_policy import new_password
from core.identity.ports import IdentityUnitOfWork, NewIdentityUnitOfWork
from core.identity.session_ports import PasswordHasher
from core.identity.sessions.end_sessions import end_all
from core.identity.sessions.session_watch import SessionWatch
from core.kernel.audit import Deed
from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock


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
            found = await self._linked(work, digest)
        hashed = await self.password_hasher.hash(new_password(password, found.login))  # 20 ms, outside of a transaction
        async with self.new_work() as work:
            found, now = await self._linked(work, digest), self.clock.now()
            work.passwords.replace(found.changed(hashed, now))
            ended = await end_all(work, found.account, now)
            work.audit(Deed(action="set-password", target=f"account/{found.account}"))
            await work.commit()
        self.session_watch.end(*ended)

    async def _linked(self, work: IdentityUnitOfWork, digest: bytes) -> Password:
        found = await work.passwords.lock_linked(digest)
        account = await work.accounts.find(AccountId(found.account)) if found else None
        if not (found and account and account.active and found.has_valid_link(self.clock.now())):
            raise LinkNotValid("the link is not valid; an administrator creates another one")
        return found
