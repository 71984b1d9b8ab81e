"""List API keys."""

from dataclasses import dataclass
from uuid import UUID

from core.identity.api_key import ApiKeyPage
from core.identity.credential import ApiKeyId
from core.identity.ports import ApiKeyList
from core.kernel.authorization import Permission, requires


@requires(Permission.ACCOUNTS_READ)
@dataclass(frozen=True, slots=True)
class ListApiKeys:
    """List the API keys of one account or of all, page by page."""

    api_key_list: ApiKeyList

    async def __call__(self, account: UUID | None, after: ApiKeyId | None, limit: int) -> ApiKeyPage:
        """Return up to `limit` keys behind the key `after`, the oldest first."""
        found = await self.api_key_list.page(account, after, limit + 1)
        return ApiKeyPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)
