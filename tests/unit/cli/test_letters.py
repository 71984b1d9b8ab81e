import pytest

from core.shared.dead_letters import DeadLetter
from core.shared.show_dead_letter import opened
from entrypoints.cli.letters import show_letter
from tests.examples import NOON, a_message
from tests.unit.cli.desks import a_desk, said


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{"a":1}', '{\n  "a": 1\n}'),
        (r'{"a":"\ud800"}', r'{"a":"\ud800"}'),
        ("1e999", "1e999"),
    ],
    ids=["json", "half a character", "large"],
)
def test_a_body_that_only_some_take_for_json_is_shown_as_it_is(body: str, shown: str) -> None:
    message = a_message(body=body.encode())
    letter = DeadLetter(id=message.id, context="c", type="t", reason="r", detail="d", buried_at=NOON)
    desk = a_desk()
    show_letter(desk, opened(letter, message))

    assert shown in said(desk.out)
