"""The contract of `UnitOfWork`, for every adapter."""

import asyncio
from uuid import UUID

import pytest

from config.container import Application
from config.container.storage import Storage
from core.fees.errors import FeeAlreadySubmitted, SchedulePublishedMeanwhile
from core.kernel.errors import Conflict
from core.kernel.idempotency import IdempotencyKeyReused, RequestRepeated
from core.kernel.trace import Trace, current_trace
from core.messaging.outbox import OUTBOX_SIGNAL
from tests.examples import NOON, a_request, a_schedule, a_student, a_submission, enrol, unpublished
from tests.units_of_work import any_work


@pytest.fixture(params=sorted(Storage.commits.providers))
def commits(request: pytest.FixtureRequest) -> str:
    """Return each kind of commit."""
    return str(request.param)


async def test_a_submission_comes_back_as_it_was(stored: Application) -> None:
    student = a_student(1)
    await enrol(stored, student)
    submission, submitted = a_submission(student.id)
    async with any_work(stored) as work:
        work.submissions.add(submission)
        work.record(submitted)
        await work.commit()

    found = await stored.fees.exam_fees().find(submission.id)
    by_reference = await stored.fees.exam_fees().find_by_reference(submission.reference)

    assert found is not None
    assert found == by_reference
    names = type(submission).__dataclass_fields__
    assert {name: getattr(found, name) for name in names} == {name: getattr(submission, name) for name in names}


async def test_uncommitted_work_never_happened(stored: Application) -> None:
    submission, submitted = a_submission()
    async with any_work(stored) as work:
        work.submissions.add(submission)
        work.record(submitted)
        work.record_answer(a_request(), submission)

    assert await stored.fees.exam_fees().find(submission.id) is None
    assert not await unpublished(stored, 10)
    assert await stored.messaging.answers().find(a_request()) is None


async def test_work_that_fails_half_way_leaves_nothing(stored: Application) -> None:
    first, _ = a_submission()
    second, submitted = a_submission(student=first.student)
    async with any_work(stored) as work:
        work.submissions.add(first)
        await work.commit()

    with pytest.raises(FeeAlreadySubmitted):
        async with any_work(stored) as work:
            work.record(submitted)
            work.record_answer(a_request(), second)
            work.submissions.add(second)
            await work.commit()

    assert not await unpublished(stored, 10)
    assert await stored.messaging.answers().find(a_request()) is None


async def test_a_second_submission_is_told_of_the_first(stored: Application) -> None:
    first, _ = a_submission()
    second, _ = a_submission(student=first.student)
    other_fee, _ = a_submission(student=first.student, schedule="another-schedule")
    for submission in (first, other_fee):
        async with any_work(stored) as work:
            work.submissions.add(submission)
            await work.commit()

    with pytest.raises(FeeAlreadySubmitted) as refusal:
        async with any_work(stored) as work:
            work.submissions.add(second)
            await work.commit()

    assert refusal.value.facts == {"submission": str(first.id), "reference": first.reference}


@pytest.mark.parametrize(
    "ident", [b"'quotes\" of both", b"for key 'a.b'\0\0\0", b"\\'\xf0\x9f\x98\x80\n\r%s;--\xff\xfe\0"]
)
async def test_the_refusal_does_not_depend_on_what_the_row_holds(stored: Application, ident: bytes) -> None:
    student = UUID(bytes=ident)
    first, _ = a_submission(student=student)
    second, _ = a_submission(student=student)
    async with any_work(stored) as work:
        work.submissions.add(first)
        await work.commit()

    with pytest.raises(FeeAlreadySubmitted):
        async with any_work(stored) as work:
            work.submissions.add(second)
            await work.commit()


async def test_of_many_at_once_for_one_candidate_exactly_one_is_stored(stored: Application) -> None:
    first, _ = a_submission()

    async def submit() -> str:
        submission, submitted = a_submission(student=first.student)
        try:
            async with any_work(stored) as work:
                work.submissions.add(submission)
                work.record(submitted)
                await work.commit()
        except FeeAlreadySubmitted as refusal:
            return refusal.facts["submission"]
        return str(submission.id)

    results = set(await asyncio.gather(*(submit() for _ in range(20))))

    assert len(results) == 1
    assert len(await unpublished(stored, 100)) == 1


async def test_concurrent_submissions_of_one_candidate_are_serialised(stored: Application) -> None:
    async def submit(pause: int) -> None:
        submission, submitted = a_submission()
        async with any_work(stored) as work:
            work.submissions.add(submission)
            await work.students.lock([f"t-{pause}"])  # keeps the transaction open for a while
            work.record(submitted)
            await work.commit()

    await asyncio.gather(*(submit(number) for number in range(200)))

    assert len(await unpublished(stored, 500)) == 200


async def test_an_answer_is_kept_byte_for_byte(stored: Application) -> None:
    async with any_work(stored) as work:
        work.record_answer(a_request(), {"naïve": [1, "₹"]})
        await work.commit()

    assert await stored.messaging.answers().find(a_request()) == '{"naïve":[1,"₹"]}'.encode()
    assert await stored.messaging.answers().find(a_request("KEY-1")) is None


async def test_a_request_takes_effect_once(stored: Application) -> None:
    async def act() -> str:
        submission, submitted = a_submission()
        try:
            async with any_work(stored) as work:
                work.submissions.add(submission)
                work.record(submitted)
                work.record_answer(a_request(), submission.reference)
                await work.commit()
        except RequestRepeated:
            return "repeated"
        return "done"

    results = await asyncio.gather(*(act() for _ in range(10)))

    assert sorted(results) == ["done"] + ["repeated"] * 9
    assert len(await unpublished(stored, 100)) == 1


async def test_an_idempotency_key_cannot_be_reused_for_another_request(stored: Application) -> None:
    async with any_work(stored) as work:
        work.record_answer(a_request(), "first")
        await work.commit()

    with pytest.raises(IdempotencyKeyReused):
        await stored.messaging.answers().find(a_request(fingerprint=b"g" * 32))


async def test_a_request_without_a_key_is_not_remembered(stored: Application) -> None:
    for _ in range(2):
        async with any_work(stored) as work:
            work.record_answer(a_request(key=None), "anything")
            await work.commit()


async def test_a_version_of_a_schedule_is_published_once(stored: Application) -> None:
    async with any_work(stored) as work:
        work.schedules.add(a_schedule(), NOON)
        await work.commit()

    with pytest.raises(SchedulePublishedMeanwhile):
        async with any_work(stored) as work:
            work.schedules.add(a_schedule(amount=1), NOON)
            await work.commit()

    assert await stored.fees.tariffs().current("sahyadri-test") == a_schedule()


async def test_an_event_carries_what_caused_it(stored: Application) -> None:
    _, submitted = a_submission()
    token = current_trace.set(Trace("req-7", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"))
    async with any_work(stored) as work:
        work.record(submitted)
        await work.commit()
    current_trace.reset(token)

    [outgoing] = await unpublished(stored, 10)

    message = outgoing.message
    assert (message.type, message.context, message.subject, message.version, message.at) == (
        "FeeSubmitted",
        "fees",
        submitted.subject,
        1,
        submitted.at,
    )
    assert message.trace == Trace("req-7", "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    assert submitted.reference.encode() in message.body


async def test_a_commit_signals_the_relay_and_a_rollback_does_not(stored: Application) -> None:
    _, submitted = a_submission()
    bell = stored.process.signals().listen(OUTBOX_SIGNAL)
    async with any_work(stored) as work:
        work.record(submitted)
    assert not bell.is_set()

    async with any_work(stored) as work:
        work.record(submitted)
        await work.commit()
    assert bell.is_set()


async def test_a_version_of_an_aggregate_happens_once(stored: Application) -> None:
    _, submitted = a_submission()
    async with any_work(stored) as work:
        work.record(submitted)
        await work.commit()

    with pytest.raises(Conflict):
        async with any_work(stored) as work:
            work.record(submitted)
            await work.commit()


async def test_a_cancelled_unit_of_work_releases_its_locks_and_connection(stored: Application) -> None:
    async def hang() -> None:
        async with any_work(stored) as work:
            await work.students.lock(["t-1"])
            await asyncio.Event().wait()

    for _ in range(30):
        task = asyncio.create_task(hang())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    submission, _ = a_submission()
    async with asyncio.timeout(5), any_work(stored) as work:
        work.submissions.add(submission)
        await work.commit()
