"""Disable an account."""

from dataclasses import dataclass

from core.identity.account import Account, AccountId
from core.identity.errors import UnknownAccount
from core.identity.ports import NewIdentityUnitOfWork
from core.kernel.authorization import Permission, requires


@requires(Permission.ACCOUNTS_WRITE)
@dataclass(frozen=True, slots=True)
class DisableAccount:
    """Take the right to act from an account; its credentials are refused from then on."""

    new_work: NewIdentityUnitOfWork

    async def __call__(self, account_id: AccountId) -> Account:
        """Return the disabled account, also if it was disabled before; raise `UnknownAccount`."""
        async with self.new_work() as work:
            account = await work.accounts.lock(account_id)
            if account is None:
                raise UnknownAccount.with_id(account_id)
            if account.active:
                account = account.disabled()
                work.accounts.replace(account)
                await work.commit()
        return account
