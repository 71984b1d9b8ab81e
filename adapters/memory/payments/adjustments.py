"""Adjustments in the memory database."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from functools import partial
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.payments.adjustment import Adjustment, AdjustmentState
from core.payments.ports import AdjustmentRecords, Adjustments


class MemoryAdjustments(Adjustments):
    """Adjustments by id; a caller gets a copy."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def of(self, submissions: Collection[UUID]) -> Mapping[UUID, Sequence[Adjustment]]:
        found = defaultdict[UUID, list[Adjustment]](list)
        for each in self._work.database.adjustments.values():
            if each.submission in submissions:
                found[each.submission].append(copy(each))
        return found

    def save(self, adjustment: Adjustment) -> None:
        known = self._work.database.adjustments
        self._work.inserts.append(partial(self._work.undo_log.put, known, adjustment.id, copy(adjustment)))


class MemoryAdjustmentRecords(AdjustmentRecords):
    """Searches all adjustments."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def page(self, state: AdjustmentState, after: UUID | None, limit: int) -> Sequence[Adjustment]:
        known = self._database.adjustments.values()
        found = [copy(each) for each in known if each.state is state and (after is None or each.id > after)]
        return sorted(found, key=lambda each: each.id)[:limit]

    async def submissions_of(self, wanted: Collection[UUID]) -> Mapping[UUID, UUID]:
        known = self._database.adjustments
        return {each: known[each].submission for each in wanted if each in known}
