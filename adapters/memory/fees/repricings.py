"""Repricings in the memory database."""

from collections.abc import Mapping, Sequence
from copy import copy
from functools import partial
from uuid import UUID

import msgspec

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.students.roster import as_candidate
from core.fees.ports import PastPage, RepricingRecords, Repricings
from core.fees.price_again import FeeRepriced, PastSubmission
from core.fees.repricing import IN_WORK, Repricing
from core.fees.submission import Submission
from core.students.student import StudentId


class MemoryRepricings(Repricings):
    """Repricings by id; a caller gets a copy."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def lock(self, schedule: str) -> Mapping[UUID, Repricing]:
        known = self._work.database.repricings.values()
        return {each.id: copy(each) for each in known if each.schedule == schedule}

    def save(self, repricing: Repricing) -> None:
        known = self._work.database.repricings
        self._work.inserts.append(partial(self._work.undo_log.put, known, repricing.id, copy(repricing)))


class MemoryRepricingRecords(RepricingRecords):
    """Searches all submissions."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def find(self, repricing: UUID) -> Repricing | None:
        found = self._database.repricings.get(repricing)
        return found and copy(found)

    async def in_work(self) -> Sequence[Repricing]:
        return [copy(each) for each in self._database.repricings.values() if each.state in IN_WORK]

    async def past(self, repricing: Repricing, limit: int) -> PastPage:
        ids = sorted(each for each in self._database.submissions if repricing.after is None or each > repricing.after)
        looked_at = [self._database.submissions[each] for each in ids[:limit]]
        found = [
            self._past(each)
            for each in looked_at
            if each.schedule == repricing.schedule and each.schedule_version < repricing.version
        ]
        items = [each for each in found if not each.is_told_by(repricing.version)]
        return PastPage(items, len(looked_at), looked_at[-1].id if looked_at else None)

    def _past(self, submission: Submission) -> PastSubmission:
        known = self._database.students.values()
        student = next((each for each in known if each.id == StudentId(submission.student)), None)
        told = [each for each in self._database.events.values() if each.subject == submission.id]
        bodies = [each.body for each in told if each.type == FeeRepriced.MESSAGE_TYPE]
        last = msgspec.json.decode(bodies[-1], type=FeeRepriced) if bodies else None
        return PastSubmission(submission, as_candidate(student) if student else None, last)
