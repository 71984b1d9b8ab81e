"""Fees whose next fine may be due, in the memory database."""

from collections.abc import Sequence
from datetime import datetime

from adapters.memory.engine.database import MemoryDatabase
from core.payments.ports import OverdueFee, OverdueFees


class MemoryOverdueFees(OverdueFees):
    """Searches all accounts."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def page(self, now: datetime, after: OverdueFee | None, limit: int) -> Sequence[OverdueFee]:
        found = [
            OverdueFee(each.fine_at, each.submission)
            for each in self._database.fee_accounts.values()
            if each.fine_at and each.fine_at <= now
        ]
        return [each for each in sorted(found) if after is None or each > after][:limit]
