"""Reads the steps of exam fees from the events of the memory database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from core.fees.submission import SubmissionId
from core.fees.timelines.timeline_step import Timelines, TimelineStep, least_id
from core.payments.account_events import account_id


class MemoryTimelines(Timelines):
    """Timelines of the memory database."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def account(self, submission: SubmissionId) -> UUID:
        return account_id(submission)

    async def steps(self, submissions: Collection[SubmissionId]) -> Mapping[SubmissionId, Sequence[TimelineStep]]:
        return {each: self._steps(each) for each in submissions}

    async def written_since(self, moment: datetime) -> Collection[UUID]:
        return {each.subject for each in self._database.events.values() if each.id >= least_id(moment)}

    def _steps(self, submission: SubmissionId) -> Sequence[TimelineStep]:
        events, account = self._database.events.values(), account_id(submission)
        first = [each for each in events if (each.subject, each.version) == (submission, 1)]
        others = sorted((each for each in events if each.subject == account), key=lambda each: each.version)
        return [TimelineStep(each.id, each.at, each.type) for each in (*first, *others)]
