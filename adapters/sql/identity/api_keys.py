"""API keys in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, case, literal, select, update

from adapters.sql.engine.database import Database
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.identity.accounts import account_of
from adapters.sql.identity.tables import NEXT_REVISION, accounts, api_keys, credential_revision
from core.identity.account import AccountId
from core.identity.api_key import ApiKey, ApiKeySummary, OwnedApiKey
from core.identity.credential import ApiKeyId
from core.identity.ports import ApiKeyList, ApiKeys, IssuedApiKeys
from core.kernel.authorization import Permission
from core.kernel.batching import Batcher, PendingItem


class SqlApiKeys(ApiKeys):
    """A row for each API key."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def lock(self, key: ApiKeyId) -> ApiKey | None:
        query = select(api_keys).where(api_keys.c.id == key).with_for_update()
        row = (await (await self._work.connect()).execute(query)).one_or_none()
        return key_of(row) if row else None

    def add(self, key: ApiKey) -> None:
        self._work.insert(api_keys, key_row(key))

    def replace(self, key: ApiKey) -> None:
        self._work.change(api_keys, key_row(key))
        self._work.insert(credential_revision, dict(NEXT_REVISION))


class SqlApiKeyList(ApiKeyList):
    """Reads API keys in the order of their ids, which is that of their creation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, account: UUID | None, after: ApiKeyId | None, limit: int) -> Sequence[ApiKeySummary]:
        query = select(api_keys).where(api_keys.c.id > (after or UUID(int=0))).order_by(api_keys.c.id).limit(limit)
        if account is not None:
            query = query.where(api_keys.c.account_id == account)
        async with self._database.reading() as connection:
            return [key_of(row).summary() for row in await connection.execute(query)]


class SqlIssuedApiKeys(IssuedApiKeys):
    """Reads keys with their accounts, and records uses; concurrent calls share a statement and do not fill the pool."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Batcher[ApiKeyId, OwnedApiKey | None](self._find)
        self._uses = Batcher[tuple[ApiKeyId, datetime], None](self._record_uses)

    async def revision(self) -> int:
        async with self._database.reading() as connection:
            found: int | None = (await connection.execute(select(credential_revision.c.revision))).scalar()
        return found or 0

    async def find(self, key: ApiKeyId) -> OwnedApiKey | None:
        return await self._lookups(key)

    async def record_use(self, key: ApiKeyId, at: datetime) -> None:
        await self._uses((key, at))

    async def _record_uses(self, batch: Sequence[PendingItem[tuple[ApiKeyId, datetime], None]]) -> None:
        moments = dict(sorted((each.item for each in batch), key=itemgetter(1)))  # of each key, the latest
        moment = api_keys.c.used_at.type
        latest = case(*((api_keys.c.id == key, literal(at, moment)) for key, at in moments.items()))
        is_later = api_keys.c.used_at.is_(None) | (api_keys.c.used_at < latest)
        async with self._database.autocommit() as connection:
            await connection.execute(
                update(api_keys).where(api_keys.c.id.in_(moments), is_later).values(used_at=latest)
            )
        for each in batch:
            each.resolve(None)

    async def _find(self, batch: Sequence[PendingItem[ApiKeyId, OwnedApiKey | None]]) -> None:
        keys = {each.item for each in batch}
        of_keys = select(api_keys).where(api_keys.c.id.in_(keys))
        owners = select(api_keys.c.account_id).where(api_keys.c.id.in_(keys))
        async with self._database.reading() as connection:
            found = {row.id: key_of(row) for row in await connection.execute(of_keys)}
            rows = await connection.execute(select(accounts).where(accounts.c.id.in_(owners)))
        owned: Mapping[UUID, Any] = {row.id: account_of(row) for row in rows}
        for each in batch:
            key = found.get(each.item)
            each.resolve(OwnedApiKey(key, owned[key.account]) if key else None)


def key_of(row: Row[Any]) -> ApiKey:
    """Return the API key of a row; permissions that this version does not know are none."""
    named = msgspec.json.decode(row.permissions, type=frozenset[str])
    return ApiKey(
        id=ApiKeyId(row.id),
        account=AccountId(row.account_id),
        name=row.name,
        permissions=frozenset(each for each in Permission if each in named),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        used_at=row.used_at,
        digest=row.digest,
    )


def key_row(key: ApiKey) -> dict[str, Any]:
    """Return the row of an API key."""
    return {
        "id": key.id,
        "account_id": key.account,
        "name": key.name,
        "digest": key.digest,
        "permissions": msgspec.json.encode(sorted(key.permissions)).decode(),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "used_at": key.used_at,
    }
