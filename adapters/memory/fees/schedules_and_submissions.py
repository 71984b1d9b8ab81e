"""Fee schedules, submissions and exam fees in the memory database."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.fees.candidate import StudentId
from core.fees.errors import FeeAlreadySubmitted, SchedulePublishedMeanwhile, UnknownSchedule
from core.fees.exam_fee import ExamFee, TimelineEntry
from core.fees.ports import ExamFees, Schedules, ScheduleVersions, Submissions, Tariffs
from core.fees.schedule import FeeSchedule
from core.fees.submission import Submission, SubmissionId
from core.notifications.attempt_log import AttemptOutcome


class MemorySchedules(Schedules):
    """Schedules by code and version."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    def add(self, schedule: FeeSchedule, published_at: datetime) -> None:  # noqa: ARG002 - no query returns it
        self._work.inserts.append(partial(self._add, schedule))

    def _add(self, schedule: FeeSchedule) -> None:
        if (schedule.code, schedule.version) in self._work.database.schedules:
            raise SchedulePublishedMeanwhile.coded(schedule.code)
        self._work.undo_log.put(self._work.database.schedules, (schedule.code, schedule.version), schedule)


class MemorySubmissions(Submissions):
    """Submissions, one for each student and schedule."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    def add(self, submission: Submission) -> None:
        self._work.inserts.append(partial(self._add, submission))

    def _add(self, submission: Submission) -> None:
        key = submission.student, submission.schedule
        if (first := self._work.database.submitted.get(key)) is not None:
            reference = self._work.database.submissions[first].reference
            raise FeeAlreadySubmitted.with_reference(first, reference)
        self._work.undo_log.put(self._work.database.submitted, key, submission.id)
        self._work.undo_log.put(self._work.database.submissions, submission.id, submission)


class MemoryTariffs(Tariffs, ScheduleVersions):
    """The newest version of each schedule."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def current(self, code: str) -> FeeSchedule:
        if (newest := await self.newest(code)) is None:
            raise UnknownSchedule.coded(code)
        return newest

    async def newest(self, code: str) -> FeeSchedule | None:
        versions = [version for known, version in self._database.schedules if known == code]
        return self._database.schedules[code, max(versions)] if versions else None

    async def all(self) -> Sequence[FeeSchedule]:
        return [await self.current(code) for code in sorted({code for code, _ in self._database.schedules})]

    async def find(self, code: str, version: int) -> FeeSchedule | None:
        return self._database.schedules.get((code, version))

    async def put_in_force(self, schedule: FeeSchedule) -> None:
        """Do nothing: there is no cache to update."""


class MemoryExamFees(ExamFees):
    """Exam fees with their timelines."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def find(self, submission: SubmissionId) -> ExamFee | None:
        found = self._database.submissions.get(submission)
        return ExamFee.of(found, self._registration(found), self._timeline(submission)) if found else None

    async def find_by_reference(self, reference: str) -> ExamFee | None:
        ids = (each.id for each in self._database.submissions.values() if each.reference == reference)
        return await self.find(next(ids, SubmissionId(UUID(int=0))))

    async def list_by_student(self, student: StudentId, after: SubmissionId | None, limit: int) -> Sequence[Submission]:
        theirs = [each for each in self._database.submissions.values() if each.student == student]
        earlier = [each for each in theirs if after is None or each.id < after]
        page = sorted(earlier, key=lambda each: each.id, reverse=True)[:limit]
        return [replace(each, registration=self._registration(each)) for each in page]

    def _registration(self, submission: Submission) -> str:
        students = (each for each in self._database.students.values() if each.id == submission.student)
        found = next(students, None)
        return found.enrolment.registration if found else ""

    def _timeline(self, submission: SubmissionId) -> Iterable[TimelineEntry]:
        for event in [event for event in self._database.events.values() if event.subject == submission]:
            trace = {"request_id": event.trace.request_id, "traceparent": event.trace.traceparent}
            yield TimelineEntry(at=event.at, what="stored", detail=event.type, **trace)
            if at := self._database.publications.get(event.id):
                yield TimelineEntry(at=at, what="published", detail=event.type, **trace)
        for delivery in [each for each in self._database.deliveries.values() if each.about == submission]:
            trace = {"request_id": delivery.trace.request_id, "traceparent": delivery.trace.traceparent}
            for attempt in self._database.attempts.get(delivery.id, ()):
                key = "vendor_id" if attempt.outcome is AttemptOutcome.ACCEPTED else "detail"
                told = {key: attempt.detail, "vendor": attempt.vendor}
                yield TimelineEntry(at=attempt.at, what=f"{delivery.channel} {attempt.outcome}", **told, **trace)
            for finding in self._database.status_reports.get(delivery.id, ()):
                told = {"vendor": finding.vendor, "vendor_id": finding.vendor_id, "detail": finding.detail}
                yield TimelineEntry(at=finding.at, what=f"{delivery.channel} {finding.learnt}", **told, **trace)
