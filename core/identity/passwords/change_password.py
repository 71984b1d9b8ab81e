"""Change a password."""

from dataclasses import dataclass
from typing import ClassVar

from core.identity.errors import WrongCredentials
from core.identity.passwords.password_policy import new_password, normal_password
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.session_ports import PasswordHasher
from core.identity.sessions.end_sessions import end_all
from core.identity.sessions.session_holder import session_holder
from core.identity.sessions.session_watch import SessionWatch
from core.identity.sessions.sign_in_guard import SignInGuard
from core.kernel.audit import Deed
from core.kernel.authorization import current_principal, open_to_all
from core.kernel.clock import Clock


@open_to_all
@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Replace the password of the caller, and end every session of the account."""

    ACTION: ClassVar = "change-password"

    new_work: NewIdentityUnitOfWork
    password_hasher: PasswordHasher
    sign_in_guard: SignInGuard
    session_watch: SessionWatch
    clock: Clock

    async def __call__(self, current: str, new: str) -> None:
        """Return after both are stored; raise `WrongCredentials`, or `Invalid` with the rule that `new` breaks.

        Raises `NotPermitted` for an API key.
        """
        account, address = session_holder("change a password"), current_principal.get().address
        normal_password(current)
        async with self.new_work() as work:
            known = await work.passwords.lock(account)
        password = new_password(new, known.login if known else "")
        async with self.sign_in_guard.attempt(str(account), address):
            if not await self.password_hasher.verify(current, known.hash if known else None) or known is None:
                raise WrongCredentials("the current password is wrong")
        hashed = await self.password_hasher.hash(password)
        async with self.new_work() as work:
            if await work.passwords.lock(account) != known:
                raise WrongCredentials("the password was changed just now")
            work.passwords.replace(known.changed(hashed, now := self.clock.now()))
            ended = await end_all(work, account, now)
            work.audit(Deed(action=self.ACTION, target=f"account/{account}"))
            await work.commit()
        self.session_watch.end(*ended)
