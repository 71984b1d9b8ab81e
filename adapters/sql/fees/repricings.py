"""Repricings in SQL."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, func, select

from adapters.sql.engine.conflicts import CONFLICTS, concurrent_change
from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import event_log
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.fees.tables import repricings, submissions
from adapters.sql.students.tables import students
from core.fees.candidate import Candidate, StudentId
from core.fees.ports import PastPage, RepricingRecords, Repricings
from core.fees.price_again import FeeRepriced, PastSubmission
from core.fees.repricing import IN_WORK, Repricing, RepricingFigures, RepricingState
from core.fees.submission import Submission

NAMES = ("id", "schedule", "version", "currency", "state", "asked_by", "asked_at", "why", "after", "total")
FACTS = ("registration", "name", "category", "country", "centre", "certificates")


class SqlRepricings(Repricings):
    """A row for each schedule and version."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work
        self._locked: set[UUID] = set()

    async def lock(self, schedule: str) -> Mapping[UUID, Repricing]:
        query = select(repricings).where(repricings.c.schedule == schedule).order_by(repricings.c.id).with_for_update()
        found = {row.id: as_repricing(row) for row in await (await self._work.connect()).execute(query)}
        self._locked.update(found)
        return found

    def save(self, repricing: Repricing) -> None:
        row = {name: getattr(repricing, name) for name in NAMES}
        row |= {name: msgspec.json.encode(getattr(repricing, name)).decode() for name in ("figures", "unpriced")}
        (self._work.change if repricing.id in self._locked else self._work.insert)(repricings, row)


class SqlRepricingRecords(RepricingRecords):
    """Reads of committed rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, repricing: UUID) -> Repricing | None:
        return next(iter(await self._read(select(repricings).where(repricings.c.id == repricing))), None)

    async def in_work(self) -> Sequence[Repricing]:
        return await self._read(select(repricings).where(repricings.c.state.in_(IN_WORK)).order_by(repricings.c.id))

    async def _read(self, query: Select[Any]) -> Sequence[Repricing]:
        async with self._database.reading() as connection:
            return [as_repricing(row) for row in await connection.execute(query)]

    async def past(self, repricing: Repricing, limit: int) -> PastPage:
        # A range of ids bounds the work of a statement, however few of the submissions are by the schedule.
        following = select(submissions.c.id).order_by(submissions.c.id).limit(limit)
        if repricing.after:
            following = following.where(submissions.c.id > repricing.after)
        some = following.subquery()
        async with self._database.reading() as connection:
            ends = select(func.min(some.c.id), func.max(some.c.id), func.count())
            first, last, looked_at = (await connection.execute(ends.select_from(some))).one()
            if last is None:
                return PastPage([], 0, None)
            rows = await connection.execute(past_submissions(repricing).where(submissions.c.id.between(first, last)))
            found = [as_past(row) for row in rows]
        return PastPage([each for each in found if not each.is_told_by(repricing.version)], looked_at, last)


def past_submissions(repricing: Repricing) -> Select[Any]:
    """Select the submissions of older versions, with the facts of their students and what was told of them last."""
    own, of_submission = submissions.c, event_log.c.aggregate_id == submissions.c.id
    last_told = select(event_log.c.body).where(of_submission, event_log.c.type == FeeRepriced.MESSAGE_TYPE)
    told = last_told.order_by(event_log.c.aggregate_version.desc()).limit(1).scalar_subquery()
    return (
        select(own.document, told.label("told"), students.c.id.label("student"), *(students.c[name] for name in FACTS))
        .select_from(submissions.outerjoin(students, students.c.id == own.student_id))
        .where(own.schedule == repricing.schedule, own.schedule_version < repricing.version)
        .order_by(own.id)
    )


def as_past(row: Row[Any]) -> PastSubmission:
    """Rebuild a submission, and its candidate unless the student was erased."""
    submission = msgspec.json.decode(row.document, type=Submission)
    told = msgspec.json.decode(row.told, type=FeeRepriced) if row.told else None
    if row.student is None:
        return PastSubmission(submission, None, told)
    facts = {name: getattr(row, name) for name in FACTS}
    facts["certificates"] = msgspec.json.decode(row.certificates, type=frozenset[str])
    return PastSubmission(submission, Candidate(id=StudentId(row.student), **facts), told)


def as_repricing(row: Row[Any]) -> Repricing:
    """Rebuild a repricing from columns."""
    return Repricing(
        **{name: getattr(row, name) for name in NAMES if name != "state"},
        state=RepricingState(row.state),
        figures=msgspec.json.decode(row.figures, type=RepricingFigures),
        unpriced=msgspec.json.decode(row.unpriced, type=tuple[str, ...]),
    )


repricings.info[CONFLICTS] = {"pk_repricings": concurrent_change, "uq_repricings_schedule_version": concurrent_change}
