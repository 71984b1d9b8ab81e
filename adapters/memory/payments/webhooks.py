"""The bytes of webhooks in the memory database, which ends with its process."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.kernel.errors import Conflict
from core.payments.ports import Webhooks


class MemoryWebhooks(Webhooks):
    """Bytes by webhook."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    def add(self, webhook: UUID, body: bytes, at: datetime) -> None:
        self._work.inserts.append(partial(self._add, webhook, body, at))

    async def bodies(self, wanted: Collection[UUID]) -> Mapping[UUID, bytes]:
        known = self._work.database.webhooks
        return {each: known[each][0] for each in wanted if each in known}

    def _add(self, webhook: UUID, body: bytes, at: datetime) -> None:
        if webhook in self._work.database.webhooks:
            raise Conflict.concurrent_change()
        self._work.undo_log.put(self._work.database.webhooks, webhook, (body, at))
