"""What people see of exam fees, read straight from the tables of several contexts."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.database import Database
from adapters.sql.tables import deliveries, delivery_attempts, delivery_findings, event_log, publications, submissions
from core.fees.candidate import StudentId
from core.fees.exam_fee import ExamFee, TimelineEntry
from core.fees.ports import ExamFees
from core.fees.submission import Submission, SubmissionId


class SqlExamFees(ExamFees):
    """Exam fees with their timelines."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, submission: SubmissionId) -> ExamFee | None:
        return await self._find(submissions.c.id == submission)

    async def find_reference(self, reference: str) -> ExamFee | None:
        return await self._find(submissions.c.reference == reference)

    async def of_student(self, student: StudentId, after: SubmissionId | None, limit: int) -> Sequence[Submission]:
        query = select(submissions.c.document).where(submissions.c.student_id == student)
        if after is not None:
            query = query.where(submissions.c.id < after)
        async with self._database.reading() as connection:
            documents = await connection.scalars(query.order_by(submissions.c.id.desc()).limit(limit))
        return [msgspec.json.decode(document, type=Submission) for document in documents]

    async def _find(self, which: ColumnElement[bool]) -> ExamFee | None:
        async with self._database.reading() as connection:
            document = await connection.scalar(select(submissions.c.document).where(which))
            if document is None:
                return None
            submission = msgspec.json.decode(document, type=Submission)
            return ExamFee.of(submission, await timeline(connection, submission.id))


async def timeline(connection: AsyncConnection, submission: SubmissionId) -> list[TimelineEntry]:
    """Return everything that was written down about a submission."""
    entries: list[TimelineEntry] = []
    for row in await connection.execute(events_of(submission)):
        trace = {"request_id": row.request_id, "traceparent": row.traceparent}
        entries.append(TimelineEntry(at=row.at, what="stored", detail=row.type, **trace))
        if row.published_at:
            entries.append(TimelineEntry(at=row.published_at, what="published", detail=row.type, **trace))
    for row in await connection.execute(recorded_about(delivery_attempts, submission)):
        accepted = row.outcome == "accepted"
        told = {"vendor_id": row.detail} if accepted else {"detail": row.detail}
        told |= {"request_id": row.request_id, "traceparent": row.traceparent}
        entries.append(TimelineEntry(at=row.at, what=f"{row.channel} {row.outcome}", vendor=row.vendor, **told))
    for row in await connection.execute(recorded_about(delivery_findings, submission)):
        told = {"vendor": row.vendor, "vendor_id": row.vendor_id, "detail": row.detail}
        told |= {"request_id": row.request_id, "traceparent": row.traceparent}
        entries.append(TimelineEntry(at=row.at, what=f"{row.channel} {row.learnt}", **told))
    return entries


def events_of(submission: SubmissionId) -> Select[Any]:
    """Select the events of an aggregate, and when the broker had them."""
    published = publications.c.at.label("published_at")
    joined = event_log.outerjoin(publications, publications.c.event_id == event_log.c.event_id)
    return select(event_log, published).select_from(joined).where(event_log.c.aggregate_id == submission)


def recorded_about(records: Table, submission: SubmissionId) -> Select[Any]:
    """Select what vendors were asked, or what was learnt, on behalf of an aggregate."""
    joined = records.join(deliveries, deliveries.c.id == records.c.delivery_id)
    about = (deliveries.c.channel, deliveries.c.request_id, deliveries.c.traceparent)
    return select(*about, records).select_from(joined).where(deliveries.c.about_id == submission)
