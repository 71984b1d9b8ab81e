"""Change the roles of an account."""

from dataclasses import dataclass
from typing import ClassVar

from core.identity.account import Account, AccountId, AccountRoles, check_power_over
from core.identity.errors import UnknownAccount
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.sessions.end_sessions import end_all
from core.identity.sessions.session_watch import SessionWatch
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock


@requires(Permission.ACCOUNTS_WRITE, fresh=True)
@dataclass(frozen=True, slots=True)
class ChangeRoles:
    """Replace the roles and the centre of an account; its sessions end, and its API keys permit no more than that."""

    ACTION: ClassVar = "change-roles"

    new_work: NewIdentityUnitOfWork
    session_watch: SessionWatch
    clock: Clock

    async def __call__(self, account_id: AccountId, asked: AccountRoles) -> Account:
        """Return the account; raise `UnknownAccount`, and `Unprocessable` for roles that it cannot have.

        Raises `NotPermitted` if the account may do, or is to do, more than the caller.
        """
        check_power_over(frozenset(asked.roles))
        async with self.new_work() as work:
            account = await work.accounts.lock(account_id)
            if account is None:
                raise UnknownAccount.with_id(account_id)
            check_power_over(account.roles)
            before, changed = account.audited(), account.with_roles(asked)
            if changed.audited() == before:
                return account
            work.accounts.replace(changed)
            ended = await end_all(work, account_id, self.clock.now())
            target = f"account/{account_id}"
            work.audit(Deed(action=self.ACTION, target=target, before=before, after=changed.audited()))
            await work.commit()
        self.session_watch.end(*ended)
        return changed
