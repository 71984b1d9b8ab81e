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
from tests.unit.fees.harness import ARRIVED, FeesHarness, an_exam_fee_submission, a_request
from tests.unit.fees.schedules import PAPERS, document, local

CLOSING = local("2026-03-08T21:00")
A_MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
async def office() -> FeesHarness:
    office = FeesHarness()
    await office.open("neet-ug-2026", "cbse-2020-xii")
    await office.enrol()
    return office


async def test_a_submission_names_its_student_amount_and_papers(office: FeesHarness) -> None:
    made = await office.submit(
        an_exam_fee_submission("cbse-2020-xii", "T-1", "041", "042", practicals=("042",)), a_request()
    )

    assert (made.registration, made.schedule, made.schedule_version) == ("T-1", "cbse-2020-xii", 1)
    assert (made.papers, made.practicals, made.state) == (("041", "042"), ("042",), "submitted")
    assert [line.amount.minor for line in made.lines] == [150_000, 15_000, 200_000]
    assert made.total.minor == 365_000
    assert made.reference == reference(made.id)


async def test_it_remembers_when_it_arrived_and_when_it_was_stored(office: FeesHarness) -> None:
    made = await office.submit(an_exam_fee_submission(), a_request(arrived=ARRIVED))

    assert (made.received_at, made.submitted_at) == (ARRIVED, office.clock.now())
    assert made.pay_by == local("2026-03-08T23:50")


async def test_what_is_returned_is_what_is_stored_and_announced_once(office: FeesHarness) -> None:
    made = await office.submit(an_exam_fee_submission(), a_request())

    assert office.stored == [made]
    [(kind, event)] = office.events
    assert kind == "FeeSubmitted"
    assert (event["subject"], event["version"], event["reference"]) == (str(made.id), 1, made.reference)
    assert event["total"] == {"minor": 170_000, "currency": "INR"}
    assert (event["schedule_title"], event["zone"]) == ("NEET (UG) 2026", "Asia/Kolkata")


async def test_a_submission_announces_the_kit_of_the_schedule(office: FeesHarness) -> None:
    await office.publish(document("neet-ug-2026") | {"kit": "NEET-KIT"})
    await office.submit(an_exam_fee_submission(), a_request("one"))
    await office.submit(an_exam_fee_submission("cbse-2020-xii", "T-1", "041"), a_request("two"))

    assert [event["kit"] for _, event in office.events] == ["NEET-KIT", None]


async def test_an_event_of_before_there_were_kits_is_still_read(office: FeesHarness) -> None:
    await office.submit(an_exam_fee_submission(), a_request())
    [(_, event)] = office.events
    del event["kit"]

    assert msgspec.convert(event, FeeSubmitted).kit is None


@pytest.mark.parametrize(
    ("command", "refusal", "at"),
    [
        (an_exam_fee_submission("neet"), UnknownSchedule, "$.schedule"),
        (an_exam_fee_submission(registration="nobody"), UnknownCandidate, "$.registration"),
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
    office: FeesHarness, command: ExamFeeSubmission, refusal: type[CoreError], at: str | None
) -> None:
    await office.enrol("T-2", category="guest")
    with pytest.raises(refusal) as refused:
        await office.submit(command, a_request("key"))

    assert refused.value.at == at
    assert (office.stored, office.events, office.store.requests) == ([], [], {})


async def test_the_deadline_is_judged_by_the_moment_of_arrival_however_late_we_are(office: FeesHarness) -> None:
    office.clock.moment = CLOSING + timedelta(minutes=5)

    made = await office.submit(an_exam_fee_submission(), a_request(arrived=CLOSING - A_MICROSECOND))

    assert made.submitted_at > CLOSING > made.received_at


async def test_a_submission_at_the_closing_moment_is_late(office: FeesHarness) -> None:
    office.clock.moment = CLOSING - timedelta(hours=1)

    with pytest.raises(ScheduleClosed):
        await office.submit(an_exam_fee_submission(), a_request(arrived=CLOSING))
    assert office.stored == []


async def test_processing_delay_does_not_make_a_submission_too_early(office: FeesHarness) -> None:
    with pytest.raises(ScheduleNotOpen):
        await office.submit(an_exam_fee_submission(), a_request(arrived=local("2026-02-08T00:00") - A_MICROSECOND))


async def test_the_second_submission_names_the_first(office: FeesHarness) -> None:
    first = await office.submit(an_exam_fee_submission(), a_request("one"))
    with pytest.raises(FeeAlreadySubmitted, match=first.reference) as refused:
        await office.submit(an_exam_fee_submission(), a_request("two"))

    assert refused.value.facts == {"submission": str(first.id), "reference": first.reference}
    assert office.stored == [first]
    assert len(office.events) == 1
    assert [key for _, key in office.store.requests] == ["one"]


async def test_one_candidate_owes_each_schedule_its_own_fee(office: FeesHarness) -> None:
    await office.submit(an_exam_fee_submission(), a_request("one"))
    await office.submit(an_exam_fee_submission("cbse-2020-xii", "T-1", "041"), a_request("two"))

    assert len(office.stored) == 2


async def test_the_same_key_again_is_refused_as_a_repetition(office: FeesHarness) -> None:
    await office.submit(an_exam_fee_submission(), a_request("one"))

    with pytest.raises(RequestRepeated):
        await office.submit(an_exam_fee_submission(), a_request("one"))
    assert len(office.events) == 1


async def test_a_submission_keeps_the_version_that_priced_it(office: FeesHarness) -> None:
    before = await office.submit(an_exam_fee_submission("cbse-2020-xii", "T-1", "041"), a_request("one"))
    dearer = document("cbse-2020-xii")
    dearer["rules"][0]["base"]["general"] = 999_900
    await office.publish(dearer)
    await office.enrol("T-2")
    after = await office.submit(an_exam_fee_submission("cbse-2020-xii", "T-2", "041"), a_request("two"))

    shown = await office.show(before.reference)
    assert (shown.schedule_version, shown.total.minor) == (1, 350_000)
    assert (after.schedule_version, after.total.minor) == (2, 1_199_900)


async def test_a_later_change_of_the_roster_changes_no_fee(office: FeesHarness) -> None:
    made = await office.submit(an_exam_fee_submission(), a_request())
    student = office.store.students["T-1"]
    async with office.new_work() as work:
        work.students.put(replace(student, enrolment=replace(student.enrolment, category="sc")))
        await work.commit()

    assert (await office.show(made.reference)).total.minor == 170_000


async def test_a_quote_is_the_price_of_the_submission_and_stores_nothing(office: FeesHarness) -> None:
    quote = await office.quote(an_exam_fee_submission("cbse-2020-xii", "T-1", "041"), a_request("one"))

    assert (office.stored, office.events, office.store.requests) == ([], [], {})
    made = await office.submit(an_exam_fee_submission("cbse-2020-xii", "T-1", "041"), a_request("one"))
    assert (quote.lines, quote.total, quote.instalments) == (made.lines, made.total, made.instalments)
    assert (quote.schedule, quote.version) == (made.schedule, made.schedule_version)


async def test_a_quote_can_be_asked_again_after_submission(office: FeesHarness) -> None:
    await office.submit(an_exam_fee_submission(), a_request("one"))

    assert (await office.quote(an_exam_fee_submission(), a_request("one"))).total.minor == 170_000


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (an_exam_fee_submission("neet"), UnknownSchedule),
        (an_exam_fee_submission(registration="nobody"), UnknownCandidate),
        (an_exam_fee_submission("cbse-2020-xii"), NoPapers),
    ],
)
async def test_a_quote_is_refused_as_the_submission_would_be(
    office: FeesHarness, command: ExamFeeSubmission, refusal: type[CoreError]
) -> None:
    with pytest.raises(refusal):
        await office.quote(command, a_request())


async def test_a_quote_is_judged_by_arrival_too(office: FeesHarness) -> None:
    office.clock.moment = CLOSING + timedelta(days=1)

    assert await office.quote(an_exam_fee_submission(), a_request(arrived=CLOSING - A_MICROSECOND))
    with pytest.raises(ScheduleClosed):
        await office.quote(an_exam_fee_submission(), a_request(arrived=CLOSING))
