"""API keys in the memory database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.identity.api_key import ApiKey, ApiKeySummary, OwnedApiKey
from core.identity.credential import ApiKeyId
from core.identity.ports import ApiKeyList, ApiKeys, IssuedApiKeys


class MemoryApiKeys(ApiKeys):
    """API keys by id."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def lock(self, key: ApiKeyId) -> ApiKey | None:
        return self._work.database.api_keys.get(key)

    def add(self, key: ApiKey) -> None:
        self._work.inserts.append(partial(self._put, key))

    def replace(self, key: ApiKey) -> None:
        self._work.inserts += [partial(self._put, key), self._work.database.change_credentials]

    def _put(self, key: ApiKey) -> None:
        self._work.undo_log.put(self._work.database.api_keys, key.id, key)


class MemoryApiKeyList(ApiKeyList):
    """Reads API keys in the order of their ids."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def page(self, account: UUID | None, after: ApiKeyId | None, limit: int) -> Sequence[ApiKeySummary]:
        known = self._database.api_keys
        found = (known[each] for each in sorted(known) if after is None or each > after)
        return [key.summary() for key in found if account in (None, key.account)][:limit]


class MemoryIssuedApiKeys(IssuedApiKeys):
    """Reads keys with their accounts."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def revision(self) -> int:
        return self._database.credential_revision

    async def find(self, key: ApiKeyId) -> OwnedApiKey | None:
        found = self._database.api_keys.get(key)
        return OwnedApiKey(found, self._database.accounts[found.account]) if found else None

    async def record_use(self, key: ApiKeyId, at: datetime) -> None:
        async with self._database.lock:
            known = self._database.api_keys[key]
            if known.used_at is None or known.used_at < at:
                self._database.api_keys[key] = replace(known, used_at=at)
