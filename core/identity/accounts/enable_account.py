"""Enable an account."""

from dataclasses import dataclass
from typing import ClassVar

from core.identity.account import Account, AccountId, check_power_over
from core.identity.errors import StudentNotEnrolled, UnknownAccount
from core.identity.ports import IdentityUnitOfWork, NewIdentityUnitOfWork
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires


@requires(Permission.ACCOUNTS_WRITE, fresh=True)
@dataclass(frozen=True, slots=True)
class EnableAccount:
    """Give a disabled account the right to act again, with its password and its API keys.

    Its sessions and its one-time link stay ended.
    """

    ACTION: ClassVar = "enable-account"

    new_work: NewIdentityUnitOfWork

    async def __call__(self, account_id: AccountId) -> Account:
        """Return the account, also if it was never disabled.

        Raises `UnknownAccount`, `StudentNotEnrolled`, and `NotPermitted` for one that may do more than the caller.
        """
        async with self.new_work() as work:
            account, is_enrolled = await self._locked(work, account_id)
            check_power_over(account.roles)
            if not account.active:
                if not is_enrolled:
                    raise StudentNotEnrolled(f"the student of the account {account_id} is not on the roster")
                before, account = account.audited(), account.enabled()
                work.accounts.replace(account)
                if password := await work.passwords.lock(account_id):
                    work.passwords.replace(password.unlinked())
                target = f"account/{account.id}"
                work.audit(Deed(action=self.ACTION, target=target, before=before, after=account.audited()))
                await work.commit()
        return account

    @staticmethod
    async def _locked(work: IdentityUnitOfWork, account_id: AccountId) -> tuple[Account, bool]:
        """Lock an account; tell whether its student, if it is that of one, is on the roster."""
        found = await work.accounts.find(account_id)
        # The student first, as an erasure does: two orders would be a deadlock.
        is_enrolled = found is None or found.student is None or await work.enrolled_students.lock(found.student)
        account = await work.accounts.lock(account_id)
        if account is None:
            raise UnknownAccount.with_id(account_id)
        return account, is_enrolled
