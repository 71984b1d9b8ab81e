import pkgutil

import pytest

import core
from core.shared.messages import is_ours
from entrypoints.consumer.routes import consumed, contexts, routes


def test_every_context_that_has_a_route_has_a_topic_and_one_for_its_dead_letters() -> None:
    found = set(contexts())

    assert {context for context, _ in routes({})} == found >= {"fees", "fees.commands", "fees.dead-letters"}
    assert {f"{context.partition('.')[0]}.dead-letters" for context in found} <= found


def test_everything_but_dead_letters_is_taken_in() -> None:
    assert set(contexts()) - set(consumed()) == {each for each in contexts() if each.endswith(".dead-letters")}


@pytest.mark.parametrize("context", [each.name for each in pkgutil.iter_modules(core.__path__)])
def test_what_a_context_of_the_core_announces_nobody_else_writes(context: str) -> None:
    assert is_ours(context)
    assert is_ours(f"{context}.dead-letters")
    assert not is_ours(f"{context}.commands")


def test_what_is_no_context_of_the_core_strangers_write() -> None:
    assert not is_ours("warehouse")
