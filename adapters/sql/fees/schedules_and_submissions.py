"""Fee schedules, submissions and the schedules in force, in SQL."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.conflicts import CONFLICTS, Row
from adapters.sql.engine.database import Database
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.fees.tables import fee_schedules, submissions
from core.fees.errors import FeeAlreadySubmitted, SchedulePublishedMeanwhile, UnknownSchedule
from core.fees.names import is_name
from core.fees.ports import ScheduleFormat, Schedules, ScheduleVersions, Submissions, Tariffs
from core.fees.schedule import FeeSchedule
from core.fees.submission import Submission
from core.kernel.batching import Batcher, PendingItem
from core.kernel.cache import Cache
from core.kernel.errors import CoreError

CACHE_TAG = "schedules"


class SqlSchedules(Schedules):
    """Schedules as documents, a row for each version."""

    def __init__(self, work: SqlUnitOfWork, schedule_format: ScheduleFormat) -> None:
        self._work, self._format = work, schedule_format

    def add(self, schedule: FeeSchedule, published_at: datetime) -> None:
        document = msgspec.json.encode(self._format.write(schedule)).decode()
        row = {"code": schedule.code, "version": schedule.version, "document": document, "published_at": published_at}
        self._work.insert(fee_schedules, row)


class SqlSubmissions(Submissions):
    """Submissions as documents, with columns for queries."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    def add(self, submission: Submission) -> None:
        self._work.insert(submissions, submission_row(submission))


def submission_row(submission: Submission) -> dict[str, Any]:
    """Return the row of a submission; the roster alone names a student."""
    return {
        "id": submission.id,
        "reference": submission.reference,
        "student_id": submission.student,
        "schedule": submission.schedule,
        "schedule_version": submission.schedule_version,
        "state": str(submission.state),
        "total_minor": submission.total.minor,
        "currency": submission.total.currency,
        "received_at": submission.received_at,
        "document": document_of(submission),
    }


def document_of(submission: Submission) -> str:
    """Return a submission as JSON, without the registration."""
    # The text is changed, because a changed copy of the object takes 2 µs more. No value has an unescaped quote.
    written, named = msgspec.json.encode(submission), b'"registration":%b'
    return written.replace(named % msgspec.json.encode(submission.registration), named % b'""', 1).decode()


class SqlTariffs(Tariffs, ScheduleVersions):
    """The newest version of each schedule.

    Versions are immutable, so the process keeps those it has read; the cache holds the number of the newest.
    """

    def __init__(self, database: Database, cache: Cache, schedule_format: ScheduleFormat) -> None:
        self._database, self._cache, self._format = database, cache, schedule_format
        self._versions: dict[tuple[str, int], FeeSchedule] = {}
        self._lookups, self._loading = Batcher[str, int | None](self._look_up_batch), asyncio.Lock()

    async def current(self, code: str) -> FeeSchedule:
        if not is_name(code):
            raise UnknownSchedule.coded(code)
        version = int(await self._cache.fetch(f"schedule:{code}", CACHE_TAG, partial(self._newest, code)))
        if (code, version) not in self._versions:
            await self._load([(code, version)])
        if (code, version) not in self._versions:  # the cache is of another database, or older than a restore
            await self._cache.clear(CACHE_TAG)
            version = int(await self._newest(code))
            await self._load([(code, version)])
        return self._versions[code, version]

    async def newest(self, code: str) -> FeeSchedule | None:
        version = await self._lookups(code)
        if version is None:
            return None
        await self._load([(code, version)])
        return self._versions[code, version]

    async def all(self) -> Sequence[FeeSchedule]:
        query = select(fee_schedules.c.code, func.max(fee_schedules.c.version)).group_by(fee_schedules.c.code)
        async with self._database.reading() as connection:
            newest = [(row[0], row[1]) for row in await connection.execute(query.order_by(fee_schedules.c.code))]
        await self._load(newest)
        return [self._versions[each] for each in newest]

    async def find(self, code: str, version: int) -> FeeSchedule | None:
        if (code, version) not in self._versions:
            await self._load([(code, version)])
        return self._versions.get((code, version))

    async def put_in_force(self, _schedule: FeeSchedule) -> None:
        await self._cache.clear(CACHE_TAG)

    async def _newest(self, code: str) -> bytes:
        version = await self._lookups(code)
        if version is None:
            raise UnknownSchedule.coded(code)
        return str(version).encode()

    async def _look_up_batch(self, batch: Sequence[PendingItem[str, int | None]]) -> None:
        """Answer concurrent lookups with one query."""
        codes = {each.item for each in batch}
        query = select(fee_schedules.c.code, func.max(fee_schedules.c.version)).where(fee_schedules.c.code.in_(codes))
        async with self._database.reading() as connection:
            found = {row[0]: int(row[1]) for row in await connection.execute(query.group_by(fee_schedules.c.code))}
        for each in batch:
            each.resolve(found.get(each.item))

    async def _load(self, versions: Sequence[tuple[str, int]]) -> None:
        async with self._loading:  # concurrent calls load each version once
            wanted = [each for each in versions if each not in self._versions]
            if not wanted:
                return
            key = tuple_(fee_schedules.c.code, fee_schedules.c.version)
            async with self._database.reading() as connection:
                rows = await connection.execute(select(fee_schedules).where(key.in_(wanted)))
            for row in rows:
                schedule = self._format.read(msgspec.json.decode(row.document))
                self._versions[row.code, row.version] = replace(schedule, version=row.version)


async def schedule_published(_connection: AsyncConnection, row: Row) -> CoreError:
    """Return the error for two publications of one version."""
    return SchedulePublishedMeanwhile.coded(row["code"])


async def already_submitted(connection: AsyncConnection, row: Row) -> CoreError:
    """Return the error that names the first submission."""
    query = select(submissions.c.id, submissions.c.reference).where(
        submissions.c.student_id == row["student_id"], submissions.c.schedule == row["schedule"]
    )
    first = (await connection.execute(query)).one()
    return FeeAlreadySubmitted.with_reference(first.id, first.reference)


fee_schedules.info[CONFLICTS] = {"pk_fee_schedules": schedule_published}
submissions.info[CONFLICTS] = {"uq_submissions_student_schedule": already_submitted}
