"""Create an administrator."""

from dataclasses import dataclass

from core.identity.account import Account, AccountId, NewAccount
from core.identity.password import Password, folded_login
from core.identity.passwords.create_password_link import PasswordLink, new_link
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.roles import Role
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.ids import Ids


@requires(Permission.SYSTEM_RUN, fresh=True)
@dataclass(frozen=True, slots=True)
class CreateAdministrator:
    """Create an account that may do everything, with the one-time link that sets its first password."""

    new_work: NewIdentityUnitOfWork
    clock: Clock
    ids: Ids

    async def __call__(self, login: str, name: str) -> PasswordLink:
        """Return the link; raise `LoginTaken`."""
        now = self.clock.now()
        asked = NewAccount(roles=(Role.ADMINISTRATOR,), name=name)
        account = Account(
            id=AccountId(self.ids.new()), roles=frozenset(asked.roles), name=asked.name, created_at=self.clock.now()
        )
        password = Password(account=account.id, login=folded_login(login), changed_at=now)
        link, digest = new_link(account.id, password.login, now)
        async with self.new_work() as work:
            work.accounts.add(account)
            work.passwords.add(password.linked(digest, link.expires_at))
            work.audit(Deed(action="create-administrator", target=f"account/{account.id}", after=account.audited()))
            await work.commit()
        return link
