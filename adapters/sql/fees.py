"""Fees in SQL."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import func, select, tuple_

from adapters.sql.database import Database, InsertRow
from adapters.sql.tables import fee_schedules, submissions
from core.fees.errors import UnknownSchedule
from core.fees.names import is_name
from core.fees.ports import ScheduleFormat, Schedules, Submissions, Tariffs
from core.fees.schedule import FeeSchedule
from core.fees.submission import Submission
from core.kernel.batching import Batcher, PendingItem
from core.kernel.cache import Cache


class SqlSchedules(Schedules):
    """Schedules as documents, one row a version."""

    def __init__(self, insert: InsertRow, schedule_format: ScheduleFormat) -> None:
        self._insert, self._format = insert, schedule_format

    def add(self, schedule: FeeSchedule, published_at: datetime) -> None:
        document = msgspec.json.encode(self._format.write(schedule)).decode()
        row = {"code": schedule.code, "version": schedule.version, "document": document, "published_at": published_at}
        self._insert(fee_schedules, row)


class SqlSubmissions(Submissions):
    """Submissions as documents, with columns for what is asked of many."""

    def __init__(self, insert: InsertRow) -> None:
        self._insert = insert

    def add(self, submission: Submission) -> None:
        row = {
            "id": submission.id,
            "reference": submission.reference,
            "student_id": submission.student,
            "schedule": submission.schedule,
            "schedule_version": submission.schedule_version,
            "state": submission.state,
            "total_minor": submission.total.minor,
            "currency": submission.total.currency,
            "received_at": submission.received_at,
            "document": msgspec.json.encode(submission).decode(),
        }
        self._insert(submissions, row)


class SqlTariffs(Tariffs):
    """Schedules in force.

    A version never changes, so this process keeps every one it has read; which one is in force
    is a small fact that all processes share in the cache.
    """

    def __init__(self, database: Database, cache: Cache, schedule_format: ScheduleFormat) -> None:
        self._database, self._cache, self._format = database, cache, schedule_format
        self._versions: dict[tuple[str, int], FeeSchedule] = {}
        self._lookups, self._loading = Batcher[str, int | None](self._look_up_batch), asyncio.Lock()

    async def current(self, code: str) -> FeeSchedule:
        if not is_name(code):
            raise unknown(code)
        cached = await self._cache.get(f"schedule:{code}")
        version = int(cached) if cached else await self._newest(code)
        if (code, version) not in self._versions:
            await self._load([(code, version)])
        if (code, version) not in self._versions:  # the cache remembers another database, or this one before a restore
            version = await self._newest(code)
            await self._cache.put(f"schedule:{code}", str(version).encode())
            await self._load([(code, version)])
        return self._versions[code, version]

    async def all(self) -> Sequence[FeeSchedule]:
        query = select(fee_schedules.c.code, func.max(fee_schedules.c.version)).group_by(fee_schedules.c.code)
        async with self._database.reading() as connection:
            newest = [(row[0], row[1]) for row in await connection.execute(query.order_by(fee_schedules.c.code))]
        await self._load(newest)
        return [self._versions[each] for each in newest]

    async def put_in_force(self, schedule: FeeSchedule) -> None:
        await self._cache.put(f"schedule:{schedule.code}", str(schedule.version).encode())

    async def _newest(self, code: str) -> int:
        version = await self._lookups(code)
        if version is None:
            raise unknown(code)
        return version

    async def _look_up_batch(self, batch: Sequence[PendingItem[str, int | None]]) -> None:
        """Look once for all who find at the same moment that the cache has forgotten."""
        codes = {each.item for each in batch}
        query = select(fee_schedules.c.code, func.max(fee_schedules.c.version)).where(fee_schedules.c.code.in_(codes))
        async with self._database.reading() as connection:
            found = {row[0]: int(row[1]) for row in await connection.execute(query.group_by(fee_schedules.c.code))}
        for code, version in found.items():
            await self._cache.add(f"schedule:{code}", str(version).encode())
        for each in batch:
            each.end(found.get(each.item))

    async def _load(self, those: Sequence[tuple[str, int]]) -> None:
        async with self._loading:  # what one of many reads, the others find here
            wanted = [each for each in those if each not in self._versions]
            if not wanted:
                return
            key = tuple_(fee_schedules.c.code, fee_schedules.c.version)
            async with self._database.reading() as connection:
                rows = await connection.execute(select(fee_schedules).where(key.in_(wanted)))
            for row in rows:
                schedule = self._format.read(msgspec.json.decode(row.document))
                self._versions[row.code, row.version] = replace(schedule, version=row.version)


def unknown(code: str) -> UnknownSchedule:
    """Say that there is none."""
    return UnknownSchedule(f"there is no fee schedule {code[:40]!r}", at="$.schedule")
