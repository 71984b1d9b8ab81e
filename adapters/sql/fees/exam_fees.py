"""Reads exam fees with their timelines from the tables of several contexts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec
from sqlalchemy import select

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from adapters.sql.engine.lookups import Rows, look_up
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

Asked = tuple[SubmissionId, View]
"""A submission, and what the request that asks for it may see."""
as_submission = msgspec.json.Decoder(Submission).decode

SUBMISSIONS = select(submissions.c.id, submissions.c.document, students.c.registration).select_from(
    submissions.outerjoin(students, students.c.id == submissions.c.student_id)
)
LOG = event_log.c
EVENTS = select(
    LOG.aggregate_id, LOG.at, LOG.type, LOG.request_id, LOG.traceparent, publications.c.at.label("published_at")
).select_from(event_log.outerjoin(publications, publications.c.event_id == LOG.event_id))
ABOUT = (deliveries.c.about_id, deliveries.c.request_id, deliveries.c.traceparent, deliveries.c.channel)
ATTEMPTS = select(*ABOUT, *(delivery_attempts.c[name] for name in ("at", "outcome", "vendor", "detail"))).select_from(
    delivery_attempts.join(deliveries, deliveries.c.id == delivery_attempts.c.delivery_id)
)
FINDINGS = select(
    *ABOUT, *(delivery_findings.c[name] for name in ("at", "learnt", "vendor", "vendor_id", "detail"))
).select_from(delivery_findings.join(deliveries, deliveries.c.id == delivery_findings.c.delivery_id))


class SqlExamFees(ExamFees):
    """Exam fees with their timelines; concurrent lookups share the queries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Batcher[Asked, ExamFee | None](self._look_up_batch)

    async def find(self, submission: SubmissionId) -> ExamFee | None:
        return await self._lookups((submission, current_view.get()))

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
        return [replace(as_submission(row.document), registration=row.registration or "") for row in rows]

    async def _look_up_batch(self, batch: Sequence[PendingItem[Asked, ExamFee | None]]) -> None:
        wanted = [each.item[0].bytes for each in batch]
        async with browsing(self._database, combined(*(each.item[1] for each in batch))) as connection:
            found = await look_up(connection, (SUBMISSIONS, EVENTS, ATTEMPTS, FINDINGS), wanted)
        stored, events, attempts, findings = found
        for each, key in zip(batch, wanted, strict=True):
            entries = timeline(events[key], attempts[key], findings[key])
            each.resolve(exam_fee(entries, *stored[key][0]) if stored[key] else None)


def exam_fee(entries: Iterable[TimelineEntry], document: str, registration: str | None) -> ExamFee:
    """Return a fee with the registration of the roster: documents of this version have none."""
    return ExamFee.of(as_submission(document), registration or "", entries)


def timeline(events: Rows, attempts: Rows, findings: Rows) -> Iterator[TimelineEntry]:
    """Return the entries of one fee."""
    for at, kind, request_id, traceparent, published_at in events:
        trace = {"request_id": request_id, "traceparent": traceparent}
        yield TimelineEntry(at=at, what="stored", detail=kind, **trace)
        if published_at:
            yield TimelineEntry(at=published_at, what="published", detail=kind, **trace)
    for request_id, traceparent, channel, at, outcome, vendor, detail in attempts:
        more = {"vendor_id" if outcome == "accepted" else "detail": detail}
        more |= {"request_id": request_id, "traceparent": traceparent}
        yield TimelineEntry(at=at, what=f"{channel} {outcome}", vendor=vendor, **more)
    for request_id, traceparent, channel, at, learnt, vendor, vendor_id, detail in findings:
        more = {"vendor": vendor, "vendor_id": vendor_id, "detail": detail}
        more |= {"request_id": request_id, "traceparent": traceparent}
        yield TimelineEntry(at=at, what=f"{channel} {learnt}", **more)
