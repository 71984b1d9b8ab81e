import pkgutil

import pytest

import core
from core.messaging.message import is_own_context
from entrypoints.messages.routes import consumed_contexts, contexts, routes


def test_every_context_that_has_a_route_has_a_topic_and_one_for_its_dead_letters() -> None:
    found = set(contexts())

    assert {context for context, _ in routes({})} == found >= {"fees", "fees.commands", "fees.dead-letters"}
    assert {f"{context.partition('.')[0]}.dead-letters" for context in found} <= found


def test_everything_but_dead_letters_is_taken_in() -> None:
    assert set(contexts()) - set(consumed_contexts()) == {each for each in contexts() if each.endswith(".dead-letters")}


@pytest.mark.parametrize("context", [each.name for each in pkgutil.iter_modules(core.__path__)])
def test_event_topics_of_our_contexts_have_no_other_producer(context: str) -> None:
    assert is_own_context(context)
    assert is_own_context(f"{context}.dead-letters")
    assert not is_own_context(f"{context}.commands")


def test_topics_of_other_contexts_are_foreign() -> None:
    assert not is_own_context("warehouse")
