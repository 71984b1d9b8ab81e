"""Create a link that sets a password once."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import ClassVar

from core.identity.account import AccountId, check_power_over
from core.identity.errors import AccountDisabled, UnknownAccount
from core.identity.password import LINK_LIFETIME, Password, folded_login
from core.identity.ports import IdentityUnitOfWork, NewIdentityUnitOfWork
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.errors import Unprocessable


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLink:
    """A link that sets a password, shown once; only its digest is stored."""

    account: AccountId
    login: str
    token: str = field(repr=False)
    expires_at: datetime


@requires(Permission.ACCOUNTS_WRITE, fresh=True)
@dataclass(frozen=True, slots=True)
class CreatePasswordLink:
    """Give an account a login, or reset its password; an earlier link of the account is no longer valid."""

    ACTION: ClassVar = "create-password-link"

    new_work: NewIdentityUnitOfWork
    clock: Clock

    async def __call__(self, account_id: AccountId, login: str | None = None) -> PasswordLink:
        """Return the link; an account without a login needs one.

        Raises `UnknownAccount`, `AccountDisabled`, `LoginTaken`, and `NotPermitted` for an account that may do more.
        """
        now, wanted = self.clock.now(), folded_login(login) if login is not None else None
        async with self.new_work() as work:
            await self._check(work, account_id)
            known = await work.passwords.lock(account_id)
            password = known or Password(account=account_id, login=first_login(wanted), changed_at=now)
            link, digest = new_link(account_id, password.login, now)
            put = work.passwords.replace if known else work.passwords.add
            put(password.linked(digest, link.expires_at))
            work.audit(Deed(action=self.ACTION, target=f"account/{account_id}", after={"expires_at": link.expires_at}))
            await work.commit()
        return link

    @staticmethod
    async def _check(work: IdentityUnitOfWork, account_id: AccountId) -> None:
        account = await work.accounts.lock(account_id)
        if account is None:
            raise UnknownAccount.with_id(account_id)
        check_power_over(account.roles)
        if not account.active:
            raise AccountDisabled.with_id(account_id)


def new_link(account: AccountId, login: str, now: datetime) -> tuple[PasswordLink, bytes]:
    """Return a link and the digest by which it is found."""
    token = secrets.token_urlsafe(32)
    link = PasswordLink(account=account, login=login, token=token, expires_at=now + LINK_LIFETIME)
    return link, sha256(token.encode()).digest()


def first_login(login: str | None) -> str:
    """Return the login of an account that has none; raise `Unprocessable` unless the request names it."""
    if login is None:
        raise Unprocessable("this account has no login yet; choose one", at="$.login")
    return login
