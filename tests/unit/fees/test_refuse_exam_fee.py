from uuid import UUID

from core.fees.errors import TooManyPapers, UnknownSchedule
from tests.unit.fees.harness import FeesHarness

COMMAND = UUID(int=9)


async def test_a_refusal_is_announced_with_its_problem_and_the_guilty_field() -> None:
    office = FeesHarness()
    await office.refuse(COMMAND, TooManyPapers("at most 6 papers can be chosen", at="$.papers[6]"))

    [(kind, event)] = office.events
    assert kind == "ExamFeeRefused"
    assert (event["command"], event["version"]) == (str(COMMAND), 1)
    assert event["problem"] == "urn:bursar:problem:too-many-papers"
    assert (event["detail"], event["field"]) == ("at most 6 papers can be chosen", "$.papers[6]")
    assert event["at"] == office.clock.now().isoformat().replace("+00:00", "Z")


async def test_a_refusal_without_a_field_says_so() -> None:
    office = FeesHarness()
    await office.refuse(COMMAND, UnknownSchedule("there is none"))

    [(_, event)] = office.events
    assert event["field"] is None
