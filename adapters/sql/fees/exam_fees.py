"""Reads exam fees with their timelines from the tables of several contexts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import event_log
from adapters.sql.fees.tables import submissions
from adapters.sql.messaging.tables import publications
from adapters.sql.notifications.tables import deliveries, delivery_attempts, delivery_findings
from adapters.sql.students.tables import students
from core.fees.candidate import StudentId
from core.fees.exam_fee import ExamFee, TimelineEntry
from core.fees.ports import ExamFees
from core.fees.submission import Submission, SubmissionId
from core.kernel.batching import Batcher, PendingItem
from core.kernel.own_writes import View, combined, current_view

Entries = list[TimelineEntry]
Found = tuple[Submission, Entries]
"""A submission, and its timeline."""
Asked = tuple[SubmissionId, View]
"""A submission, and what the request that asks for it may see."""

SUBMISSIONS = select(submissions.c.id, submissions.c.document, students.c.registration).select_from(
    submissions.outerjoin(students, students.c.id == submissions.c.student_id)
)


class SqlExamFees(ExamFees):
    """Exam fees with their timelines; concurrent lookups share the queries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Batcher[Asked, Found | None](self._look_up_batch)

    async def find(self, submission: SubmissionId) -> ExamFee | None:
        found = await self._lookups((submission, current_view.get()))
        if found is None:
            return None
        return ExamFee.of(*found)

    async def find_by_reference(self, reference: str) -> ExamFee | None:
        async with browsing(self._database) as connection:
            found = await connection.scalar(select(submissions.c.id).where(submissions.c.reference == reference))
        return None if found is None else await self.find(found)

    async def list_by_student(self, student: StudentId, after: SubmissionId | None, limit: int) -> Sequence[Submission]:
        query = SUBMISSIONS.where(submissions.c.student_id == student)
        if after is not None:
            query = query.where(submissions.c.id < after)
        async with browsing(self._database) as connection:
            rows = await connection.execute(query.order_by(submissions.c.id.desc()).limit(limit))
        return [from_row(row) for row in rows]

    async def _look_up_batch(self, batch: Sequence[PendingItem[Asked, Found | None]]) -> None:
        wanted, views = {each.item[0] for each in batch}, [each.item[1] for each in batch]
        query = SUBMISSIONS.where(submissions.c.id.in_(wanted))
        async with browsing(self._database, combined(*views)) as connection:
            stored = {row.id: from_row(row) for row in await connection.execute(query)}
            told = await timelines(connection, wanted)
        for each in batch:
            submission = stored.get(each.item[0])
            each.resolve(None if submission is None else (submission, told[each.item[0]]))


def from_row(row: Any) -> Submission:
    """Return a submission with the registration of the roster: documents of this version have none."""
    submission = msgspec.json.decode(row.document, type=Submission)
    return replace(submission, registration=row.registration or "")


async def timelines(connection: AsyncConnection, ids: Collection[SubmissionId]) -> Mapping[SubmissionId, Entries]:
    """Return the timelines of submissions."""
    told: dict[SubmissionId, Entries] = {each: [] for each in ids}
    for row in await connection.execute(events_of(ids)):
        trace = {"request_id": row.request_id, "traceparent": row.traceparent}
        entries = told[row.aggregate_id]
        entries.append(TimelineEntry(at=row.at, what="stored", detail=row.type, **trace))
        if row.published_at:
            entries.append(TimelineEntry(at=row.published_at, what="published", detail=row.type, **trace))
    for row in await connection.execute(recorded_about(delivery_attempts, ids)):
        accepted = row.outcome == "accepted"
        more = {"vendor_id": row.detail} if accepted else {"detail": row.detail}
        more |= {"request_id": row.request_id, "traceparent": row.traceparent}
        what = f"{row.channel} {row.outcome}"
        told[row.about_id].append(TimelineEntry(at=row.at, what=what, vendor=row.vendor, **more))
    for row in await connection.execute(recorded_about(delivery_findings, ids)):
        more = {"vendor": row.vendor, "vendor_id": row.vendor_id, "detail": row.detail}
        more |= {"request_id": row.request_id, "traceparent": row.traceparent}
        told[row.about_id].append(TimelineEntry(at=row.at, what=f"{row.channel} {row.learnt}", **more))
    return told


def events_of(ids: Collection[SubmissionId]) -> Select[Any]:
    """Select the events of aggregates without their bodies, with the time of their publication."""
    log, published = event_log.c, publications.c.at.label("published_at")
    joined = event_log.outerjoin(publications, publications.c.event_id == log.event_id)
    told = select(log.aggregate_id, log.at, log.type, log.request_id, log.traceparent, published)
    return told.select_from(joined).where(log.aggregate_id.in_(ids))


def recorded_about(records: Table, ids: Collection[SubmissionId]) -> Select[Any]:
    """Select the delivery attempts or status reports about aggregates."""
    joined = records.join(deliveries, deliveries.c.id == records.c.delivery_id)
    about = (deliveries.c.about_id, deliveries.c.channel, deliveries.c.request_id, deliveries.c.traceparent)
    return select(*about, records).select_from(joined).where(deliveries.c.about_id.in_(ids))
