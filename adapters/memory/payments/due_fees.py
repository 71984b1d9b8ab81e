"""Fees by what is due next, in the memory database."""

from collections.abc import Sequence
from datetime import datetime

from adapters.memory.engine.database import MemoryDatabase
from core.payments.ports import DueFee, DueFees, DueStep


class MemoryDueFees(DueFees):
    """Searches all accounts."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def page(self, step: DueStep, now: datetime, after: DueFee | None, limit: int) -> Sequence[DueFee]:
        accounts = self._database.fee_accounts.values()
        steps = [(each.fine_at if step is DueStep.FINE else each.remind_at, each.submission) for each in accounts]
        found = sorted(DueFee(at, submission) for at, submission in steps if at and at <= now)
        return [each for each in found if after is None or each > after][:limit]
