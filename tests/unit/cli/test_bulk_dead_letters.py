import pytest

from core.messaging.dead_letters import DeadLetter, DeadLetterState
from tests.examples import NOON, a_message
from tests.unit.cli.runner import CliRunner


@pytest.mark.parametrize("command", ["drop", "replay"])
def test_bulk_options_are_refused_for_a_single_dead_letter(runner: CliRunner, command: str) -> None:
    message = a_message()
    letter = DeadLetter(id=message.id, context="c", type="t", reason="r", detail="d", buried_at=NOON)
    runner.store.dead_letters["bursar", message.id] = letter, message
    code, out, err = runner.run("dead-letters", command, str(message.id), "--why", "a test", "--rate", "5")

    assert (code, out, "--rate" in err) == (2, "", True)
    assert runner.store.dead_letters["bursar", message.id][0].state is DeadLetterState.BURIED


@pytest.mark.parametrize("command", ["drop", "replay"])
def test_the_help_says_that_a_single_dead_letter_needs_no_confirmation(runner: CliRunner, command: str) -> None:
    _, out, _ = runner.run("dead-letters", command, "--help")

    assert "An id is done at once" in " ".join(out.replace("│", " ").split())
