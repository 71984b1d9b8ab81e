"""Reset a second factor."""

from dataclasses import dataclass
from typing import ClassVar

from core.identity.account import AccountId, check_power_over
from core.identity.errors import NoSecondFactor, UnknownAccount
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.sessions.end_sessions import end_all
from core.identity.sessions.session_watch import SessionWatch
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock


@requires(Permission.ACCOUNTS_WRITE, fresh=True)
@dataclass(frozen=True, slots=True)
class ResetSecondFactor:
    """Take the second factor from an account whose device and recovery codes are lost; all its sessions end."""

    ACTION: ClassVar = "reset-second-factor"

    new_work: NewIdentityUnitOfWork
    session_watch: SessionWatch
    clock: Clock

    async def __call__(self, account_id: AccountId) -> None:
        """Return after it is removed; raise `UnknownAccount` and `NoSecondFactor`."""
        now = self.clock.now()
        async with self.new_work() as work:
            account = await work.accounts.lock(account_id)
            if account is None:
                raise UnknownAccount.with_id(account_id)
            check_power_over(account.roles)
            if await work.second_factors.lock(account_id) is None:
                raise NoSecondFactor(f"the account {account_id} has no second factor")
            await work.second_factors.remove(account_id)
            ended = await end_all(work, account_id, now)
            work.audit(Deed(action=self.ACTION, target=f"account/{account_id}"))
            await work.commit()
        self.session_watch.end(*ended)
