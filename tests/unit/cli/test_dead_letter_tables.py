import pytest

from core.messaging.dead_letters import DeadLetter
from tests.examples import NOON, a_message
from tests.unit.cli.runner import CliRunner


@pytest.mark.parametrize(
    ("body", "shown"),
    [('{"a":1}', '{\n  "a": 1\n}'), (r'{"a":"\ud800"}', r'{"a":"\ud800"}'), ("1e999", "1e999")],
    ids=["json", "half a character", "large"],
)
def test_an_ambiguous_json_body_is_shown_verbatim(runner: CliRunner, body: str, shown: str) -> None:
    message = a_message(body=body.encode())
    letter = DeadLetter(id=message.id, context="c", type="t", reason="r", detail="d", buried_at=NOON)
    runner.store.dead_letters["bursar", message.id] = letter, message
    code, out, _ = runner.run("dead-letters", "show", str(message.id))

    assert (code, shown in out) == (0, True)
