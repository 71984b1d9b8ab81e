"""Create an API key."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import ClassVar

from core.identity.account import Account, AccountId
from core.identity.api_key import ApiKey, IssuedApiKey, NewApiKey
from core.identity.credential import ApiKeyId, new_credential
from core.identity.errors import AccountDisabled, UnknownAccount
from core.identity.ports import NewIdentityUnitOfWork
from core.kernel.audit import Deed
from core.kernel.authorization import NotPermitted, Permission, current_principal, requires
from core.kernel.clock import Clock
from core.kernel.errors import Unprocessable
from core.kernel.ids import Ids

DEFAULT_DAYS = 365


@requires(Permission.API_KEYS_WRITE, fresh=True)
@dataclass(frozen=True, slots=True)
class CreateApiKey:
    """Create an API key of an account, with at most the permissions of the account and of the caller."""

    ACTION: ClassVar = "create-api-key"

    new_work: NewIdentityUnitOfWork
    clock: Clock
    ids: Ids
    max_api_key_days: int

    async def __call__(self, asked: NewApiKey) -> IssuedApiKey:
        """Return the key with its text; raise `UnknownAccount`, `AccountDisabled`, `NotPermitted`."""
        days = asked.days or min(DEFAULT_DAYS, self.max_api_key_days)
        if days > self.max_api_key_days:
            raise Unprocessable(f"an API key is valid for at most {self.max_api_key_days} days here", at="$.days")
        key_id, now = ApiKeyId(self.ids.new()), self.clock.now()
        credential = new_credential(key_id)
        async with self.new_work() as work:
            account = await work.accounts.lock(AccountId(asked.account))
            if account is None:
                raise UnknownAccount.with_id(asked.account)
            if not account.active:
                raise AccountDisabled.with_id(asked.account)
            key = ApiKey(
                id=key_id,
                account=account.id,
                name=asked.name,
                permissions=granted(asked, account),
                created_at=now,
                expires_at=now + timedelta(days=days),
                digest=sha256(credential.encode()).digest(),
            )
            work.api_keys.add(key)
            work.audit(Deed(action=self.ACTION, target=f"api-key/{key.id}", after=key.audited()))
            await work.commit()
        return IssuedApiKey(key.summary(), credential)


def granted(asked: NewApiKey, account: Account) -> frozenset[Permission]:
    """Return the permissions of the key; raise `Unprocessable` and `NotPermitted` for more than may be given."""
    own = current_principal.get().permissions
    wanted = account.permissions & own if asked.permissions is None else frozenset(asked.permissions)
    if missing := wanted - account.permissions:
        raise Unprocessable(f"the account does not have {', '.join(sorted(missing))}", at="$.permissions")
    if missing := wanted - own:
        raise NotPermitted(f"a key cannot have what its creator may not do: {', '.join(sorted(missing))}")
    return wanted
