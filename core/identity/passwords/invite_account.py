"""Invite a person to an account."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.identity.account import AccountId
from core.identity.errors import UnknownAccount
from core.identity.one_time_secret import AccountInvited, OneTimeSecret, Purpose, SecretId
from core.identity.one_time_secret_ports import SecretBox
from core.identity.passwords.create_password_link import CreatePasswordLink, PasswordLink
from core.identity.ports import NewIdentityUnitOfWork
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.errors import Unprocessable
from core.kernel.ids import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What the inviter learns: the link goes to the person only."""

    account: AccountId
    login: str
    expires_at: datetime


@requires(Permission.ACCOUNTS_WRITE, fresh=True)
@dataclass(frozen=True, slots=True)
class InviteAccount:
    """Send the one-time link that sets the password of an account to the address of the account."""

    ACTION: ClassVar = "invite-account"

    new_work: NewIdentityUnitOfWork
    secret_box: SecretBox
    clock: Clock
    ids: Ids

    async def __call__(self, account_id: AccountId, login: str | None = None) -> Invitation:
        """Return the invitation; an earlier link of the account is no longer valid.

        Raises `Unprocessable` for an account without an address, and what `CreatePasswordLink` raises.
        """
        async with self.new_work() as work:
            account = await work.accounts.find(account_id)
        if account is None:
            raise UnknownAccount.with_id(account_id)
        if not account.email:
            raise Unprocessable("this account has no e-mail address; `createPasswordLink` shows a link to hand over")
        # In a transaction of its own: a link that is not sent is known to no one, and the next one replaces it.
        link = await CreatePasswordLink(self.new_work, self.clock)(account_id, login)
        await self._send(link)
        return Invitation(account=link.account, login=link.login, expires_at=link.expires_at)

    async def _send(self, link: PasswordLink) -> None:
        secret_id = SecretId(self.ids.new())
        secret = OneTimeSecret(
            id=secret_id,
            purpose=Purpose.PASSWORD,
            holder=link.account,
            digest=self.secret_box.digest(secret_id, link.token),
            sealed=self.secret_box.seal(secret_id, {"login": link.login, "token": link.token}),
            expires_at=link.expires_at,
        )
        now, until = self.clock.now(), link.expires_at
        invited = AccountInvited(at=now, subject=secret_id, version=1, account=link.account, expires_at=until)
        async with self.new_work() as work:
            work.one_time_secrets.add(secret)
            work.record(invited)
            work.audit(Deed(action=self.ACTION, target=f"account/{link.account}"))
            await work.commit()
