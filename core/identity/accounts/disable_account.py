"""Disable an account."""

from dataclasses import dataclass
from typing import ClassVar

from core.identity.account import Account, AccountId, check_power_over
from core.identity.errors import UnknownAccount
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.sessions.end_sessions import end_all
from core.identity.sessions.session_watch import SessionWatch
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock


@requires(Permission.ACCOUNTS_WRITE)
@dataclass(frozen=True, slots=True)
class DisableAccount:
    """Take the right to act from an account; its credentials are refused from then on."""

    ACTION: ClassVar = "disable-account"

    new_work: NewIdentityUnitOfWork
    session_watch: SessionWatch
    clock: Clock

    async def __call__(self, account_id: AccountId) -> Account:
        """Return the disabled account, also if it was disabled before.

        Raises `UnknownAccount`, and `NotPermitted` for an account that may do more than the caller.
        """
        async with self.new_work() as work:
            account = await work.accounts.lock(account_id)
            if account is None:
                raise UnknownAccount.with_id(account_id)
            check_power_over(account.roles)
            if account.active:
                before, account = account.audited(), account.disabled()
                work.accounts.replace(account)
                ended = await end_all(work, account_id, self.clock.now())
                target = f"account/{account.id}"
                work.audit(Deed(action=self.ACTION, target=target, before=before, after=account.audited()))
                await work.commit()
                self.session_watch.end(*ended)
        return account
