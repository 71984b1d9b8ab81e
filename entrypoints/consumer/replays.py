"""Replays take messages by the same routes as the consumer."""

from collections.abc import Mapping
from functools import partial

from core.shared.dead_letters import NotUnderstoodHere
from core.shared.inbox import Take
from core.shared.messages import Message
from entrypoints.consumer.consumer import UnknownMessage, UnknownVersion, route_of
from entrypoints.consumer.routes import Kind, NewWork, Route, UseCases, routes


def with_replays(use_cases: UseCases) -> UseCases:
    """Return the use cases, of which those that replay now know how a message takes effect."""
    silent: UseCases = {**use_cases, "notify_student": partial(use_cases["notify_student"], send=False)}
    letter, events = use_cases["replay_dead_letter"], use_cases["replay_events"]
    return {
        **use_cases,
        "replay_dead_letter": lambda: partial(letter(), by(routes(use_cases))),
        "replay_events": lambda send: partial(events(), by(routes(use_cases if send else silent))),
    }


def by(table: Mapping[Kind, Route]) -> Take:
    """Let messages take effect by these routes."""

    async def take(message: Message, new_work: NewWork) -> None:
        try:
            await route_of(message, table)([message], new_work)
        except (UnknownMessage, UnknownVersion) as refusal:
            raise NotUnderstoodHere(str(refusal)) from refusal

    return take
