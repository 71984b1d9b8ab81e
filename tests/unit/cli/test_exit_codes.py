from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from core.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from core.kernel.health import Probe
from core.messaging.dead_letters import DeadLetter
from core.messaging.message import Message
from core.messaging.outbox import Backlog, OutboxState
from core.messaging.routing import Routes
from tests.examples import NOON, a_message
from tests.unit.cli.runner import CliRunner

EARLIER = NOON - timedelta(hours=1)
WHY = ("--why", "a test", "--who", "asha")
ONE_DEAD_LETTER = ("dead-letters", "replay", "{id}", *WHY)
ALL_DEAD_LETTERS = ("dead-letters", "replay", "--type", "{type}", "--yes", *WHY)
EVENTS = ("replay", "--consumer", "bursar", "--from", "2026-01-01", "--send", *WHY)
WAYS = (ONE_DEAD_LETTER, ALL_DEAD_LETTERS, EVENTS)


class AwayProbe(Probe):
    name, remedy = "persistence", "start it"

    async def check(self) -> str:
        raise Unavailable("the database is away")


class AwayBacklog(Backlog):
    async def snapshot(self) -> OutboxState:
        raise Unavailable("the database is away")

    async def buried(self) -> int:
        raise Unavailable("away")


def with_failing_route(capsys: pytest.CaptureFixture[str], message: Message, error: Exception) -> CliRunner:
    async def fail(_messages: Sequence[Message], _use_cases: Any) -> None:
        raise error

    return CliRunner(capsys, Routes(table={(message.context, message.type): fail}))


def store(runner: CliRunner, message: Message, words: Sequence[str]) -> None:
    """Store a message as a logged event for a replay of events, else as a dead letter."""
    if words is EVENTS:
        runner.store.events[message.id] = message
        return
    names = {"context": message.context, "type": message.type, "reason": "r", "detail": "d"}
    runner.store.dead_letters["bursar", message.id] = (
        DeadLetter(id=message.id, buried_at=EARLIER, **names),
        message,
    )


@pytest.mark.parametrize(
    ("error", "codes"),
    [
        # A dead letter that fails again is the conflict `LetterStillBuried`, whatever the reason.
        (Conflict("not now"), (3, 3, 3)),
        (Invalid("makes no sense"), (3, 3, 1)),
        (NotFound("is not there"), (3, 3, 1)),
        (Forbidden("not by this caller"), (3, 3, 1)),
        (ValueError("a defect"), (3, 3, 1)),
        (Unavailable("the database is away"), (75, 75, 75)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_has_the_same_exit_code_for_one_message_and_for_many(
    capsys: pytest.CaptureFixture[str], error: Exception, codes: tuple[int, ...]
) -> None:
    ended = []
    for words in WAYS:
        message = a_message(at=EARLIER)
        runner = with_failing_route(capsys, message, error)
        store(runner, message, words)
        ended.append(runner.run(*(word.format(id=message.id, type=message.type) for word in words))[0])

    assert tuple(ended) == codes


@pytest.mark.parametrize("command", ["doctor", "outbox"])
def test_an_unavailable_dependency_has_the_same_exit_code_in_a_report_and_as_an_error(
    runner: CliRunner, command: str
) -> None:
    runner.application.storage.persistence_probe.override(AwayProbe())
    runner.application.messaging.backlog.override(AwayBacklog())

    assert runner.run(command)[0] == 75
