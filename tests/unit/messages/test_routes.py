import pytest

from core.kernel.events import Event
from core.messaging.message import is_own_context
from entrypoints.routes import ROUTES


def descendants(kind: type) -> set[type]:
    return {found for child in kind.__subclasses__() for found in {child, *descendants(child)}}


def test_every_context_that_has_a_route_has_a_topic_and_one_for_its_dead_letters() -> None:
    found = set(ROUTES.contexts)

    assert {context for context, _ in ROUTES.table} == found >= {"fees", "fees.commands", "fees.dead-letters"}
    assert {f"{context.partition('.')[0]}.dead-letters" for context in found} <= found


def test_everything_but_dead_letters_is_taken_in() -> None:
    assert set(ROUTES.contexts) - set(ROUTES.consumed_contexts) == {
        each for each in ROUTES.contexts if each.endswith(".dead-letters")
    }


@pytest.mark.parametrize("context", ["fees", "inventory"])
def test_event_topics_of_our_contexts_have_no_other_producer(context: str) -> None:
    assert is_own_context(context)
    assert is_own_context(f"{context}.dead-letters")
    assert not is_own_context(f"{context}.commands")


def test_every_event_of_this_program_belongs_to_one_of_its_own_contexts() -> None:
    announced = {
        kind.CONTEXT for kind in descendants(Event) if kind.__module__.startswith("core.") and hasattr(kind, "CONTEXT")
    }

    assert announced >= {"fees", "inventory"}
    assert all(map(is_own_context, announced))


def test_every_event_has_a_route_from_the_topic_of_its_context() -> None:
    kinds = [each for each in descendants(Event) if each.__module__.startswith("core.") and hasattr(each, "CONTEXT")]
    published = {(each.CONTEXT, each.MESSAGE_TYPE) for each in kinds if hasattr(each, "MESSAGE_TYPE")}

    assert published
    assert published <= set(ROUTES.table)


@pytest.mark.parametrize("context", ["warehouse", "warehouse.dead-letters", "kernel", "messaging", "students"])
def test_topics_of_other_contexts_are_foreign(context: str) -> None:
    assert not is_own_context(context)
