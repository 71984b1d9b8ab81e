from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from core.fees.errors import (
    FeeAlreadySubmitted,
    NoPapers,
    NotPriced,
    ScheduleClosed,
    ScheduleNotOpen,
    TooManyPapers,
    UnknownCandidate,
    UnknownPractical,
    UnknownSchedule,
)
from core.fees.submission import FeeSubmitted, reference
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.errors import CoreError
from core.kernel.idempotency import RequestRepeated
from tests.unit.fees.harness import ARRIVED, FeesHarness, a_request, an_exam_fee_submission
from tests.unit.fees.schedules import PAPERS, document, local

CLOSING = local("2026-03-08T21:00")
A_MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
async def harness() -> FeesHarness:
    harness = FeesHarness()
    await harness.open("neet-ug-2026", "cbse-2020-xii")
    await harness.enrol()
    return harness


async def test_a_submission_names_its_student_amount_and_papers(harness: FeesHarness) -> None:
    made = await harness.submit(
        an_exam_fee_submission("cbse-2020-xii", "T-1", "041", "042", practicals=("042",)), a_request()
    )

    assert (made.registration, made.schedule, made.schedule_version) == ("T-1", "cbse-2020-xii", 1)
    assert (made.papers, made.practicals, made.state) == (("041", "042"), ("042",), "submitted")
    assert [line.amount.minor for line in made.lines] == [150_000, 15_000, 200_000]
    assert made.total.minor == 365_000
    assert made.reference == reference(made.id)


async def test_it_remembers_when_it_arrived_and_when_it_was_stored(harness: FeesHarness) -> None:
    made = await harness.submit(an_exam_fee_submission(), a_request(arrived=ARRIVED))

    assert (made.received_at, made.submitted_at) == (ARRIVED, harness.clock.now())
    assert made.pay_by == local("2026-03-08T23:50")


async def test_what_is_returned_is_what_is_stored_and_announced_once(harness: FeesHarness) -> None:
    made = await harness.submit(an_exam_fee_submission(), a_request())

    assert harness.stored == [made]
    [(kind, event)] = harness.events
    assert kind == "FeeSubmitted"
    assert (event["subject"], event["version"], event["reference"]) == (str(made.id), 1, made.reference)
    assert event["total"] == {"minor": 170_000, "currency": "INR"}
    assert (event["schedule_title"], event["zone"]) == ("NEET (UG) 2026", "Asia/Kolkata")


async def test_a_submission_announces_the_kit_of_the_schedule(harness: FeesHarness) -> None:
    await harness.publish(document("neet-ug-2026") | {"kit": "NEET-KIT"})
    await harness.submit(an_exam_fee_submission(), a_request("one"))
    await harness.submit(an_exam_fee_submission("cbse-2020-xii", "T-1", "041"), a_request("two"))

    assert [event["kit"] for _, event in harness.events] == ["NEET-KIT", None]


async def test_an_event_of_before_there_were_kits_is_still_read(harness: FeesHarness) -> None:
    await harness.submit(an_exam_fee_submission(), a_request())
    [(_, event)] = harness.events
    del event["kit"]

    assert msgspec.convert(event, FeeSubmitted).kit is None


@pytest.mark.parametrize(
    ("command", "refusal", "at"),
    [
        (an_exam_fee_submission("neet"), UnknownSchedule, "$.schedule"),
        (an_exam_fee_submission(registration="UNKNOWN-1"), UnknownCandidate, "$.registration"),
        (an_exam_fee_submission("cbse-2020-xii"), NoPapers, "$.papers"),
        (an_exam_fee_submission("cbse-2020-xii", "T-1", *PAPERS), TooManyPapers, "$.papers[6]"),
        (
            an_exam_fee_submission("cbse-2020-xii", "T-1", "041", practicals=("042",)),
            UnknownPractical,
            "$.practicals[0]",
        ),
        (an_exam_fee_submission("cbse-2020-xii", "T-2", "041"), NotPriced, None),
    ],
)
async def test_a_refused_submission_stores_nothing(
    harness: FeesHarness, command: ExamFeeSubmission, refusal: type[CoreError], at: str | None
) -> None:
    await harness.enrol("T-2", category="guest")
    with pytest.raises(refusal) as refused:
        await harness.submit(command, a_request("key"))

    assert refused.value.at == at
    assert (harness.stored, harness.events, harness.store.requests) == ([], [], {})


async def test_the_deadline_is_judged_by_the_moment_of_arrival_however_late_we_are(harness: FeesHarness) -> None:
    harness.clock.moment = CLOSING + timedelta(minutes=5)

    made = await harness.submit(an_exam_fee_submission(), a_request(arrived=CLOSING - A_MICROSECOND))

    assert made.submitted_at > CLOSING > made.received_at


async def test_a_submission_at_the_closing_moment_is_late(harness: FeesHarness) -> None:
    harness.clock.moment = CLOSING - timedelta(hours=1)

    with pytest.raises(ScheduleClosed):
        await harness.submit(an_exam_fee_submission(), a_request(arrived=CLOSING))
    assert harness.stored == []


async def test_processing_delay_does_not_make_a_submission_too_early(harness: FeesHarness) -> None:
    with pytest.raises(ScheduleNotOpen):
        await harness.submit(an_exam_fee_submission(), a_request(arrived=local("2026-02-08T00:00") - A_MICROSECOND))


async def test_the_second_submission_names_the_first(harness: FeesHarness) -> None:
    first = await harness.submit(an_exam_fee_submission(), a_request("one"))
    with pytest.raises(FeeAlreadySubmitted, match=first.reference) as refused:
        await harness.submit(an_exam_fee_submission(), a_request("two"))

    assert refused.value.facts == {"submission": str(first.id), "reference": first.reference}
    assert harness.stored == [first]
    assert len(harness.events) == 1
    assert [key for _, key in harness.store.requests] == ["one"]


async def test_one_candidate_owes_each_schedule_its_own_fee(harness: FeesHarness) -> None:
    await harness.submit(an_exam_fee_submission(), a_request("one"))
    await harness.submit(an_exam_fee_submission("cbse-2020-xii", "T-1", "041"), a_request("two"))

    assert len(harness.stored) == 2


async def test_the_same_key_again_is_refused_as_a_repetition(harness: FeesHarness) -> None:
    await harness.submit(an_exam_fee_submission(), a_request("one"))

    with pytest.raises(RequestRepeated):
        await harness.submit(an_exam_fee_submission(), a_request("one"))
    assert len(harness.events) == 1


async def test_a_submission_keeps_the_version_that_priced_it(harness: FeesHarness) -> None:
    before = await harness.submit(an_exam_fee_submission("cbse-2020-xii", "T-1", "041"), a_request("one"))
    dearer = document("cbse-2020-xii")
    dearer["rules"][0]["base"]["general"] = 999_900
    await harness.publish(dearer)
    await harness.enrol("T-2")
    after = await harness.submit(an_exam_fee_submission("cbse-2020-xii", "T-2", "041"), a_request("two"))

    shown = await harness.show(before.reference)
    assert (shown.schedule_version, shown.total.minor) == (1, 350_000)
    assert (after.schedule_version, after.total.minor) == (2, 1_199_900)


async def test_a_later_change_of_the_roster_changes_no_fee(harness: FeesHarness) -> None:
    made = await harness.submit(an_exam_fee_submission(), a_request())
    student = harness.store.students["t-1"]
    async with harness.new_work() as work:
        work.students.replace(replace(student, enrolment=replace(student.enrolment, category="sc")))
        await work.commit()

    assert (await harness.show(made.reference)).total.minor == 170_000


async def test_a_quote_is_the_price_of_the_submission_and_stores_nothing(harness: FeesHarness) -> None:
    quote = await harness.quote(an_exam_fee_submission("cbse-2020-xii", "T-1", "041"), a_request("one"))

    assert (harness.stored, harness.events, harness.store.requests) == ([], [], {})
    made = await harness.submit(an_exam_fee_submission("cbse-2020-xii", "T-1", "041"), a_request("one"))
    assert (quote.lines, quote.total, quote.instalments) == (made.lines, made.total, made.instalments)
    assert (quote.schedule, quote.version) == (made.schedule, made.schedule_version)


async def test_a_quote_can_be_asked_again_after_submission(harness: FeesHarness) -> None:
    await harness.submit(an_exam_fee_submission(), a_request("one"))

    assert (await harness.quote(an_exam_fee_submission(), a_request("one"))).total.minor == 170_000


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (an_exam_fee_submission("neet"), UnknownSchedule),
        (an_exam_fee_submission(registration="UNKNOWN-1"), UnknownCandidate),
        (an_exam_fee_submission("cbse-2020-xii"), NoPapers),
    ],
)
async def test_a_quote_is_refused_as_the_submission_would_be(
    harness: FeesHarness, command: ExamFeeSubmission, refusal: type[CoreError]
) -> None:
    with pytest.raises(refusal):
        await harness.quote(command, a_request())


async def test_a_quote_is_judged_by_arrival_too(harness: FeesHarness) -> None:
    harness.clock.moment = CLOSING + timedelta(days=1)

    assert await harness.quote(an_exam_fee_submission(), a_request(arrived=CLOSING - A_MICROSECOND))
    with pytest.raises(ScheduleClosed):
        await harness.quote(an_exam_fee_submission(), a_request(arrived=CLOSING))
