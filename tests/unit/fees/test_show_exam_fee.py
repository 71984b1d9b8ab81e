from uuid import UUID

import pytest

from core.fees.errors import UnknownCandidate, UnknownExamFee
from core.fees.submission import Submission
from tests.unit.fees.harness import ARRIVED, FeesHarness, a_request, an_exam_fee_submission
from tests.unit.fees.schedules import document


@pytest.fixture
async def harness() -> FeesHarness:
    harness = FeesHarness()
    await harness.open("neet-ug-2026")
    await harness.enrol()
    return harness


async def submitted(harness: FeesHarness, count: int) -> list[Submission]:
    """Submit for several schedules, and return the submissions, the newest first."""
    made = []
    for number in range(count):
        await harness.publish(document("cbse-2020-xii") | {"code": f"cbse-{number}"})
        made.append(await harness.submit(an_exam_fee_submission(f"cbse-{number}", "T-1", "041"), a_request()))
    return made[::-1]


async def test_a_fee_is_found_by_its_id_however_that_is_written(harness: FeesHarness) -> None:
    made = await harness.submit(an_exam_fee_submission(), a_request())

    for name in (str(made.id), str(made.id).upper(), made.id.hex):
        assert (await harness.show(name)).reference == made.reference


async def test_a_fee_is_found_by_its_reference_in_any_case(harness: FeesHarness) -> None:
    made = await harness.submit(an_exam_fee_submission(), a_request())

    assert (await harness.show(made.reference)).id == (await harness.show(made.reference.lower())).id == made.id


@pytest.mark.parametrize("name", ["", "BF-0000-0000-0000-0", str(UUID(int=7)), "x" * 500])
async def test_an_unknown_fee_is_refused(harness: FeesHarness, name: str) -> None:
    with pytest.raises(UnknownExamFee) as refused:
        await harness.show(name)

    assert len(str(refused.value)) < 100


async def test_the_timeline_of_a_fee_begins_with_its_arrival(harness: FeesHarness) -> None:
    made = await harness.submit(an_exam_fee_submission(), a_request())

    story = (await harness.show(made.reference)).timeline
    assert [(entry.what, entry.detail, entry.at) for entry in story] == [
        ("received", "", ARRIVED),
        ("stored", "FeeSubmitted", harness.clock.now()),
    ]


async def test_pages_follow_each_other_without_gap_or_repetition(harness: FeesHarness) -> None:
    made = await submitted(harness, 5)
    seen: list[Submission] = []
    sizes, after = [], None
    while True:
        page = await harness.list("T-1", after, 2)
        sizes.append(len(page.items))
        seen += page.items
        if (after := page.next) is None:
            break

    assert sizes == [2, 2, 1]
    assert seen == made


async def test_a_full_last_page_has_no_next(harness: FeesHarness) -> None:
    made = await submitted(harness, 2)
    page = await harness.list("T-1", None, 2)

    assert (list(page.items), page.next) == (made, None)


async def test_a_new_submission_does_not_shift_the_pages_behind_it(harness: FeesHarness) -> None:
    made = await submitted(harness, 3)
    first = await harness.list("T-1", None, 2)
    await harness.submit(an_exam_fee_submission(), a_request())

    assert list((await harness.list("T-1", first.next, 2)).items) == made[2:]


async def test_a_student_lists_only_their_own_fees(harness: FeesHarness) -> None:
    await harness.enrol("T-2")
    await submitted(harness, 1)

    assert (await harness.list("T-2", None, 10)).items == ()


async def test_the_fees_of_an_unknown_student_cannot_be_listed(harness: FeesHarness) -> None:
    with pytest.raises(UnknownCandidate, match="UNKNOWN-1"):
        await harness.list("UNKNOWN-1", None, 10)
