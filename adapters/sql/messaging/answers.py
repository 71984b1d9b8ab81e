"""The stored answers of requests with an idempotency key, in SQL."""

from collections.abc import Sequence
from hmac import compare_digest
from typing import Any

from sqlalchemy import Row, select

from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import requests
from core.kernel.batching import Batcher, PendingItem
from core.kernel.idempotency import Answers, IdempotencyKeyReused, RequestContext
from core.kernel.own_writes import note_write


class SqlAnswers(Answers):
    """Answers, stored in the transaction of their effects; concurrent lookups share a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Batcher[tuple[str, str | None], Row[Any] | None](self._find)

    async def find(self, request: RequestContext) -> bytes | None:
        row = await self._lookups((request.scope, request.key))
        if row is None:
            return None
        if not compare_digest(row.fingerprint, request.fingerprint):
            raise IdempotencyKeyReused.for_another_body()
        note_write(await self._database.position())  # the process that stored it may have ended before it told others
        return bytes(row.answer)

    async def _find(self, batch: Sequence[PendingItem[tuple[str, str | None], Row[Any] | None]]) -> None:
        scopes, keys = {each.item[0] for each in batch}, {each.item[1] for each in batch}
        query = select(requests).where(requests.c.scope.in_(scopes), requests.c.idempotency_key.in_(keys))
        async with self._database.reading() as connection:
            found = {(row.scope, row.idempotency_key): row for row in await connection.execute(query)}
        for each in batch:
            each.resolve(found.get(each.item))
