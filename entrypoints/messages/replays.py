"""Replays take messages by the same routes as the consumer; rebuilds take them into one projection alone."""

from collections.abc import Mapping, Sequence
from functools import partial

from core.messaging.dead_letters import NotUnderstoodHere
from core.messaging.inbox import Take
from core.messaging.message import Message
from core.messaging.rebuild_projection import Build
from entrypoints.messages.consumer import UnknownMessage, UnknownVersion, route_of
from entrypoints.messages.route import NewWork, Route, RouteKey, UseCases
from entrypoints.messages.routes import routes
from entrypoints.messages.stock_events import STOCK_EVENT_TYPES, decode_stock_event


def with_replays(use_cases: UseCases) -> UseCases:
    """Return the use cases, of which those that replay now know how a message takes effect."""
    silent: UseCases = {**use_cases, "send_notice": partial(use_cases["send_notice"], send=False)}
    letter, events = use_cases["replay_dead_letter"], use_cases["replay_events"]
    return {
        **use_cases,
        "replay_dead_letter": lambda: partial(letter(), by(routes(use_cases))),
        "replay_events": lambda send: partial(events(), by(routes(use_cases if send else silent))),
        "rebuild_projection": lambda: partial(use_cases["rebuild_projection"](), projection_builders(use_cases)),
    }


def projection_builders(use_cases: UseCases) -> Mapping[str, Build]:
    """Return how each projection takes events into one generation."""

    async def inventory(messages: Sequence[Message], generation: int) -> None:
        events = [decode_stock_event(message) for message in messages if message.type in STOCK_EVENT_TYPES]
        await use_cases["project_stock"]()(events, generation)

    return {"inventory": inventory}


def by(table: Mapping[RouteKey, Route]) -> Take:
    """Let messages take effect by these routes."""

    async def take(message: Message, new_work: NewWork) -> None:
        try:
            await route_of(message, table)([message], new_work)
        except (UnknownMessage, UnknownVersion) as refusal:
            raise NotUnderstoodHere(str(refusal)) from refusal

    return take
