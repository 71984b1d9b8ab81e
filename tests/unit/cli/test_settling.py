import pytest

from core.shared.dead_letters import DeadLetter, LetterState
from tests.examples import NOON, a_message
from tests.unit.cli.office import Counter


@pytest.mark.parametrize("command", ["drop", "replay"])
def test_what_means_nothing_for_one_letter_is_refused(counter: Counter, command: str) -> None:
    message = a_message()
    letter = DeadLetter(id=message.id, context="c", type="t", reason="r", detail="d", buried_at=NOON)
    counter.store.dead_letters["bursar", message.id] = letter, message
    code, out, err = counter.run("dead-letters", command, str(message.id), "--why", "a test", "--rate", "5")

    assert (code, out, "--rate" in err) == (2, "", True)
    assert counter.store.dead_letters["bursar", message.id][0].state is LetterState.BURIED


@pytest.mark.parametrize("command", ["drop", "replay"])
def test_the_help_says_that_one_letter_needs_no_yes(counter: Counter, command: str) -> None:
    _, out, _ = counter.run("dead-letters", command, "--help")

    assert "An id is done at once" in " ".join(out.replace("│", " ").split())
