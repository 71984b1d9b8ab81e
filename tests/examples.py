"""Small realistic example values."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from adapters.system.clock import TimeOrderedIds
from config.container import Application
from core.fees.candidate import Candidate, StudentId
from core.fees.paper_selection import PaperSelection
from core.fees.pricing.flat_fee import FlatFee
from core.fees.schedule import FeeSchedule
from core.fees.submission import FeeSubmitted, Submission, SubmissionId
from core.kernel.clock import Clock
from core.kernel.idempotency import RequestContext
from core.messaging.message import Message
from core.messaging.outbox import OutboxEntry
from core.notifications.delivery import Channel, Delivery, RecipientId
from core.notifications.messages import DeliveryId
from core.students.student import Enrolment, Student
from core.students.student import StudentId as RosterId
from tests.units_of_work import any_work

NOON = datetime(2026, 11, 20, 12, 30, 0, 123456, tzinfo=UTC)
ids = TimeOrderedIds()


class StoppedClock(Clock):
    """A clock that tests advance."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def pass_by(self, duration: timedelta) -> None:
        self.moment += duration


def a_schedule(code: str = "sahyadri-test", *, amount: int = 50_000, version: int = 1) -> FeeSchedule:
    """Return a schedule with one price for every candidate."""
    return FeeSchedule(
        code=code,
        title="A test",
        currency="INR",
        zone="Asia/Kolkata",
        country="IN",
        categories=("student",),
        rules=(FlatFee(head="examination", title="Examination", amount=amount),),
        version=version,
    )


def an_enrolment(number: int = 1, **changes: Any) -> Enrolment:
    """Return a row of a roster."""
    given = {"registration": f"T-{number}", "name": f"Asha {number}", "category": "student"}
    reachable = {"email": f"asha.{number}@example.org", "phone": f"+9198{number:08}"}
    return Enrolment(**(given | reachable | changes))


def a_student(number: int = 1, **changes: Any) -> Student:
    """Return a student of the roster."""
    return Student(id=RosterId(ids.new()), enrolment=an_enrolment(number, **changes))


def a_submission(student: UUID | None = None, *, schedule: str = "sahyadri-test") -> tuple[Submission, FeeSubmitted]:
    """Return a submission and its event."""
    tariff = a_schedule(schedule)
    candidate = Candidate(
        id=StudentId(student or ids.new()), registration="T-1", name="Asha", category="student", country="IN"
    )
    selection = PaperSelection(papers=("041", "042"))
    quote = tariff.quote(candidate, selection, NOON)
    return Submission.submit(
        SubmissionId(ids.new()), candidate, tariff, selection, quote, received_at=NOON, at=NOON + timedelta(seconds=1)
    )


def a_delivery(channel: Channel = Channel.EMAIL, **changes: Any) -> Delivery:
    """Return a pending delivery."""
    given: dict[str, Any] = {
        "id": DeliveryId(ids.new()),
        "notice": ids.new(),
        "about": ids.new(),
        "recipient": RecipientId(ids.new()),
        "channel": channel,
        "template": "fee_submitted",
        "facts": {"reference": "BF-1", "lines": [{"why": "fee", "amount": "₹1"}]},
        "due_at": NOON,
    }
    return Delivery(**(given | changes))


def a_request(key: str | None = "key-1", fingerprint: bytes = b"f" * 32) -> RequestContext:
    """Return a request with an idempotency key."""
    return RequestContext(arrived=NOON, scope="POST /v1/exam-fees", key=key, fingerprint=fingerprint)


def a_message(**changes: Any) -> Message:
    """Return a message."""
    given: dict[str, Any] = {
        "id": ids.new(),
        "type": "FeeSubmitted",
        "context": "fees",
        "subject": ids.new(),
        "version": 1,
        "at": NOON,
        "body": b"{}",
    }
    return Message(**(given | changes))


async def enrol(application: Application, *students: Student) -> None:
    """Insert or replace students of the roster."""
    async with any_work(application) as work:
        known = await work.students.lock([student.enrolment.registration.lower() for student in students])
        for student in students:
            is_new = student.enrolment.registration.lower() not in known
            (work.students.add if is_new else work.students.replace)(student)
        await work.commit()


async def publish(application: Application, schedule: FeeSchedule) -> None:
    """Publish a schedule."""
    async with any_work(application) as work:
        work.schedules.add(schedule, NOON)
        await work.commit()
    await application.fees.tariffs().put_in_force(schedule)


async def unpublished(application: Application, limit: int = 100) -> Sequence[OutboxEntry]:
    """Return the events that a relay would publish."""
    outbox = application.messaging.outbox()
    await outbox.renew(60)
    return await outbox.unpublished(limit)
