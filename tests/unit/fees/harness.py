"""The fees context over memory adapters."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from adapters.encoding import MsgspecScheduleFormat
from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.fees.schedules_and_submissions import MemoryExamFees, MemoryTariffs
from adapters.memory.students.roster import MemoryCandidates
from core.fees.list_exam_fees import ListExamFees
from core.fees.list_fee_schedules import ListFeeSchedules
from core.fees.publish_fee_schedule import PublishFeeSchedule
from core.fees.quote_exam_fee import QuoteExamFee
from core.fees.show_exam_fee import ShowExamFee
from core.fees.submission import Submission
from core.fees.submit_exam_fee import ExamFeeSubmission, SubmitExamFee
from core.kernel.idempotency import RequestContext
from core.kernel.unit_of_work import Transaction
from core.students.student import Enrolment, Student, StudentId
from tests.examples import StoppedClock, ids
from tests.unit.fees.schedules import document, local
from tests.units_of_work import memory_work

ARRIVED = local("2026-02-20T10:00")
"""A moment at which NEET is open."""


class FeesHarness:
    """Every use case of the fees context, and queries of their effects."""

    def __init__(self) -> None:
        self.store, self.clock = MemoryDatabase(), StoppedClock(ARRIVED + timedelta(seconds=1))
        tariffs, candidates, exam_fees = (
            MemoryTariffs(self.store),
            MemoryCandidates(self.store),
            MemoryExamFees(self.store),
        )
        self.publish = PublishFeeSchedule(self.new_work, tariffs, MsgspecScheduleFormat(), self.clock)
        self.list_schedules = ListFeeSchedules(tariffs)
        self.quote = QuoteExamFee(tariffs, candidates)
        self.submit = SubmitExamFee(self.new_work, tariffs, candidates, self.clock, ids)
        self.show = ShowExamFee(exam_fees, candidates)
        self.list = ListExamFees(exam_fees, candidates)

    def new_work(self, *, within: Transaction | None = None) -> Any:
        return memory_work(self.store, StoppedClock(), ids, within=within)

    async def open(self, *codes: str) -> None:
        for code in codes:
            await self.publish(document(code))

    async def enrol(self, registration: str = "T-1", category: str = "general", **more: Any) -> UUID:
        student = Student(
            id=StudentId(ids.new()),
            enrolment=Enrolment(registration=registration, name="Asha", category=category, **more),
        )
        async with self.new_work() as work:
            work.students.add(student)
            await work.commit()
        return student.id

    @property
    def events(self) -> list[tuple[str, Any]]:
        """Return the type and body of each recorded event, the oldest first."""
        return [(each.type, msgspec.json.decode(each.body)) for each in self.store.events.values()]

    @property
    def stored(self) -> list[Submission]:
        return list(self.store.submissions.values())


def an_exam_fee_submission(
    schedule: str = "neet-ug-2026", registration: str = "T-1", *papers: str, practicals: tuple[str, ...] = ()
) -> ExamFeeSubmission:
    return ExamFeeSubmission(schedule=schedule, registration=registration, papers=papers, practicals=practicals)


def a_request(key: str | None = None, arrived: datetime = ARRIVED, body: bytes = b"body") -> RequestContext:
    return RequestContext(arrived=arrived, scope="POST /v1/exam-fees", key=key, fingerprint=body)
