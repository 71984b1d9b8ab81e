import pytest

from core.fees.errors import UnknownCandidate, UnknownExamFee
from core.identity.roles import PERMISSIONS, Role
from core.kernel.authorization import Principal, acting_as
from tests.unit.fees.harness import FeesHarness, a_request, an_exam_fee_submission

CLERK = Principal(subject="account:clerk", permissions=PERMISSIONS[Role.CLERK], centre="DEL-01")


@pytest.fixture
async def harness() -> FeesHarness:
    harness = FeesHarness()
    await harness.open("neet-ug-2026", "cbse-2020-xii")
    await harness.enrol("OWN", centre="DEL-01")
    await harness.enrol("OTHER", centre="DEL-02")
    await harness.enrol("NOWHERE")
    return harness


async def test_a_clerk_submits_quotes_and_reads_for_the_own_centre(harness: FeesHarness) -> None:
    with acting_as(CLERK):
        made = await harness.submit(an_exam_fee_submission(registration="OWN"), a_request())
        await harness.quote(an_exam_fee_submission(registration="OWN"), a_request())

        assert (await harness.show(made.reference)).id == made.id
        assert [each.id for each in (await harness.list("OWN", None, 5)).items] == [made.id]


@pytest.mark.parametrize("registration", ["OTHER", "NOWHERE"])
async def test_to_a_clerk_a_candidate_elsewhere_is_unknown(harness: FeesHarness, registration: str) -> None:
    theirs = await harness.submit(an_exam_fee_submission(registration=registration), a_request())

    async def refusal(of: str) -> str:
        with pytest.raises(UnknownCandidate) as submitting:
            await harness.submit(an_exam_fee_submission("cbse-2020-xii", of, "041"), a_request())
        with pytest.raises(UnknownCandidate) as quoting:
            await harness.quote(an_exam_fee_submission(registration=of), a_request())
        with pytest.raises(UnknownCandidate) as listing:
            await harness.list(of, None, 5)
        return f"{submitting.value}, {quoting.value}, {listing.value}".replace(of, "THEM")

    with acting_as(CLERK):
        assert await refusal(registration) == await refusal("NEVER-ENROLLED")
        for name in (str(theirs.id), theirs.reference):
            with pytest.raises(UnknownExamFee):
                await harness.show(name)
    assert len(harness.stored) == 1


async def test_a_candidate_reads_the_own_fee_and_no_other(harness: FeesHarness) -> None:
    own, other = await harness.enrol("ME", centre="DEL-01"), await harness.enrol("SIBLING", centre="DEL-01")
    assert own != other
    with acting_as(Principal(subject="account:me", permissions=PERMISSIONS[Role.CANDIDATE], student=own)):
        made = await harness.submit(an_exam_fee_submission(registration="ME"), a_request())
        assert (await harness.show(made.reference)).registration == "ME"
        with pytest.raises(UnknownCandidate):
            await harness.submit(an_exam_fee_submission(registration="SIBLING"), a_request())
