"""Act as an account on the command line."""

from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from core.identity.account import AccountId
from core.identity.errors import AccountDisabled, UnknownAccount
from core.identity.password import LOGIN, folded_login
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.session_ports import PasswordList
from core.kernel.authorization import Permission, Principal, current_principal, requires
from core.kernel.text import escape_unprintable


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class ActAsAccount:
    """Tell what an operator may do who acts as an account: what the account may do, and nothing else."""

    new_work: NewIdentityUnitOfWork
    password_list: PasswordList

    async def __call__(self, named: str) -> Principal:
        """Return the principal of an id or a login, with the names of both.

        Raises `UnknownAccount` and `AccountDisabled`.
        """
        operator, account_id = current_principal.get(), await self._id(named)
        async with self.new_work() as work:
            account = await work.accounts.find(account_id) if account_id else None
        if account is None:
            raise UnknownAccount(f"there is no account with the id or login {escape_unprintable(named[:64])!r}")
        if not account.active:
            raise AccountDisabled.with_id(account.id)
        principal = account.principal(operator.address)
        return replace(principal, subject=f"{operator.subject} as {principal.subject}", fresh=operator.fresh)

    async def _id(self, named: str) -> AccountId | None:
        with suppress(ValueError):
            return AccountId(UUID(named))
        known = await self.password_list.find(folded_login(named)) if LOGIN.admits(named) else None
        return AccountId(known.account) if known else None
