"""List accounts."""

from dataclasses import dataclass

from core.identity.account import AccountId, AccountPage
from core.identity.ports import AccountList
from core.kernel.authorization import Permission, requires


@requires(Permission.ACCOUNTS_READ)
@dataclass(frozen=True, slots=True)
class ListAccounts:
    """List the accounts, page by page."""

    account_list: AccountList

    async def __call__(self, after: AccountId | None, limit: int) -> AccountPage:
        """Return up to `limit` accounts behind the account `after`, the oldest first."""
        found = await self.account_list.page(after, limit + 1)
        return AccountPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)
