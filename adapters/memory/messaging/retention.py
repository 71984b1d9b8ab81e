"""The deletion of expired records in the memory database."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from adapters.memory.engine.database import MemoryDatabase
from core.messaging.retention import RetainedRecords, Retention


class MemoryRetention(Retention):
    """Deletes the first expired rows that it finds."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def purge(self, memory: RetainedRecords, before: datetime, limit: int) -> int:
        if memory is RetainedRecords.INBOX:
            return self._purge(self._database.inbox, lambda received: received[0], before, limit)
        if memory is RetainedRecords.SIGN_INS:
            return self._purge(self._database.pending_sign_ins, lambda pending: pending.at, before, limit)
        if memory is RetainedRecords.SESSIONS:
            return self._purge(self._database.sessions, lambda session: session.expires_at, before, limit)
        if memory is RetainedRecords.LINKS:
            return self._purge_links(before, limit)
        if memory is RetainedRecords.SECRETS:
            return self._purge(self._database.one_time_secrets, lambda secret: secret.expires_at, before, limit)
        if memory is RetainedRecords.WEBHOOKS:
            return self._purge(self._database.webhooks, lambda webhook: webhook[1], before, limit)
        return self._purge(self._database.requests, lambda row: row[2], before, limit)

    def _purge_links(self, before: datetime, limit: int) -> int:
        known = self._database.passwords
        old = [each for each in known.values() if each.link_expires_at and each.link_expires_at < before][:limit]
        known |= {each.account: each.unlinked() for each in old}
        return len(old)

    @staticmethod
    def _purge(table: dict[Any, Any], stored_at: Callable[[Any], datetime], before: datetime, limit: int) -> int:
        old = [key for key, row in table.items() if stored_at(row) < before][:limit]
        for key in old:
            del table[key]
        return len(old)
