from uuid import UUID

import pytest

from core.fees.errors import UnknownCandidate, UnknownExamFee
from core.fees.submission import Submission
from tests.unit.fees.harness import ARRIVED, FeesHarness, an_exam_fee_submission, a_request
from tests.unit.fees.schedules import document


@pytest.fixture
async def office() -> FeesHarness:
    office = FeesHarness()
    await office.open("neet-ug-2026")
    await office.enrol()
    return office


async def submitted(office: FeesHarness, count: int) -> list[Submission]:
    """Submit to so many schedules, and return the submissions, the latest first."""
    made = []
    for number in range(count):
        await office.publish(document("cbse-2020-xii") | {"code": f"cbse-{number}"})
        made.append(await office.submit(an_exam_fee_submission(f"cbse-{number}", "T-1", "041"), a_request()))
    return made[::-1]


async def test_a_fee_is_found_by_its_id_however_that_is_written(office: FeesHarness) -> None:
    made = await office.submit(an_exam_fee_submission(), a_request())

    for name in (str(made.id), str(made.id).upper(), made.id.hex):
        assert (await office.show(name)).reference == made.reference


async def test_a_fee_is_found_by_its_reference_in_any_case(office: FeesHarness) -> None:
    made = await office.submit(an_exam_fee_submission(), a_request())

    assert (await office.show(made.reference)).id == (await office.show(made.reference.lower())).id == made.id


@pytest.mark.parametrize("name", ["", "BF-0000-0000-0000-0", str(UUID(int=7)), "x" * 500])
async def test_an_unknown_fee_is_refused(office: FeesHarness, name: str) -> None:
    with pytest.raises(UnknownExamFee) as refused:
        await office.show(name)

    assert len(str(refused.value)) < 100


async def test_the_timeline_of_a_fee_begins_with_its_arrival(office: FeesHarness) -> None:
    made = await office.submit(an_exam_fee_submission(), a_request())

    story = (await office.show(made.reference)).timeline
    assert [(entry.what, entry.detail, entry.at) for entry in story] == [
        ("received", "", ARRIVED),
        ("stored", "FeeSubmitted", office.clock.now()),
    ]


async def test_pages_follow_each_other_without_gap_or_repetition(office: FeesHarness) -> None:
    made = await submitted(office, 5)
    seen: list[Submission] = []
    sizes, after = [], None
    while True:
        page = await office.list("T-1", after, 2)
        sizes.append(len(page.items))
        seen += page.items
        if (after := page.next) is None:
            break

    assert sizes == [2, 2, 1]
    assert seen == made


async def test_a_full_last_page_has_no_next(office: FeesHarness) -> None:
    made = await submitted(office, 2)
    page = await office.list("T-1", None, 2)

    assert (list(page.items), page.next) == (made, None)


async def test_a_new_submission_does_not_shift_the_pages_behind_it(office: FeesHarness) -> None:
    made = await submitted(office, 3)
    first = await office.list("T-1", None, 2)
    await office.submit(an_exam_fee_submission(), a_request())

    assert list((await office.list("T-1", first.next, 2)).items) == made[2:]


async def test_a_student_lists_only_their_own_fees(office: FeesHarness) -> None:
    await office.enrol("T-2")
    await submitted(office, 1)

    assert (await office.list("T-2", None, 10)).items == ()


async def test_the_fees_of_an_unknown_student_cannot_be_listed(office: FeesHarness) -> None:
    with pytest.raises(UnknownCandidate, match="nobody"):
        await office.list("nobody", None, 10)
