from uuid import UUID

import pytest

from core.fees.errors import TooManyPapers, UnknownSchedule
from core.fees.submission import ExamFeeRefused
from core.inventory.events import StockCommandRefused
from core.messaging.command_refused import CommandRefused
from core.messaging.refuse_command import RefuseCommand
from tests.examples import ids
from tests.unit.fees.harness import FeesHarness

COMMAND = UUID(int=9)


@pytest.mark.parametrize(
    ("event_type", "name"), [(ExamFeeRefused, "ExamFeeRefused"), (StockCommandRefused, "StockCommandRefused")]
)
async def test_a_refusal_is_announced_with_its_problem_and_the_guilty_field(
    event_type: type[CommandRefused], name: str
) -> None:
    harness = FeesHarness()
    refuse = RefuseCommand(harness.new_work, harness.clock, ids)
    await refuse(event_type, COMMAND, TooManyPapers("at most 6 papers can be chosen", at="$.papers[6]"))

    [(kind, event)] = harness.events
    assert kind == name
    assert (event["command"], event["version"]) == (str(COMMAND), 1)
    assert event["problem"] == "urn:bursar:problem:too-many-papers"
    assert (event["detail"], event["field"]) == ("at most 6 papers can be chosen", "$.papers[6]")
    assert event["at"] == harness.clock.now().isoformat().replace("+00:00", "Z")


async def test_a_refusal_without_a_field_says_so() -> None:
    harness = FeesHarness()
    await RefuseCommand(harness.new_work, harness.clock, ids)(ExamFeeRefused, COMMAND, UnknownSchedule("there is none"))

    [(_, event)] = harness.events
    assert event["field"] is None
