"""What a route is."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from core.kernel.trace import tracing
from core.messaging.inbox import Take
from core.messaging.message import Message

UseCases = Mapping[str, Callable[..., Callable[..., Awaitable[Any]]]]
"""Makers of use cases by name; each takes the unit of work to do its work in."""
NewWork = Callable[[], Any]
RouteKey = tuple[str, str]
"""A context and a type: an event is believed only from the topic that nobody else may write to."""
Route = Callable[[Sequence[Message], NewWork], Awaitable[None]]
"""Takes a run: messages that came one after the other and go the same way.  It sees to their traces itself."""


def per_message(take: Take) -> Route:
    """Take a run message by message, each under its own trace."""

    async def route(messages: Sequence[Message], new_work: NewWork) -> None:
        for message in messages:
            with tracing(message.trace):
                await take(message, new_work)
            await asyncio.sleep(0)  # others in this process have their turns, however long the run

    return route


async def ignore_messages(_messages: Sequence[Message], _new_work: NewWork) -> None:
    """Let messages pass that are for others."""
