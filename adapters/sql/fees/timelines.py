"""Reads the steps of exam fees from the event log."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import event_log
from core.fees.submission import SubmissionId
from core.fees.timelines.timeline_step import Timelines, TimelineStep, least_id
from core.payments.account_events import account_id

STEP = (event_log.c.aggregate_id, event_log.c.event_id, event_log.c.at, event_log.c.type)


class SqlTimelines(Timelines):
    """Timelines by two indexes of the event log: that of the versions of an aggregate, and the primary key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def account(self, submission: SubmissionId) -> UUID:
        return account_id(submission)

    async def steps(self, submissions: Collection[SubmissionId]) -> Mapping[SubmissionId, Sequence[TimelineStep]]:
        accounts = {account_id(each): each for each in submissions}
        aggregate, version = event_log.c.aggregate_id, event_log.c.aggregate_version
        query = select(*STEP, version).where(aggregate.in_([*submissions, *accounts])).order_by(aggregate, version)
        async with self._database.reading() as connection:
            rows = [*await connection.execute(query)]
        told: dict[SubmissionId, list[TimelineStep]] = {each: [] for each in submissions}
        for account, event, at, kind, number in rows:
            if (submission := accounts.get(account)) is not None:
                told[submission].append(TimelineStep(event, at, kind))
            elif number == 1:  # the others are repricings
                told[account].insert(0, TimelineStep(event, at, kind))
        return told

    async def written_since(self, moment: datetime) -> Collection[UUID]:
        query = select(event_log.c.aggregate_id).where(event_log.c.event_id >= least_id(moment))
        async with self._database.reading() as connection:
            return {*await connection.scalars(query)}
