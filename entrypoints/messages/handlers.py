"""Adapters from handlers of single messages to routes of batches."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from core.kernel.authorization import SYSTEM, Permission, Principal, acting_as
from core.kernel.errors import CoreError, Unavailable
from core.kernel.trace import tracing
from core.messaging.command_refused import CommandRefused
from core.messaging.message import Message, topic_of
from core.messaging.routing import Route
from core.use_cases import UseCases

Handler = Callable[[Message, UseCases], Awaitable[None]]


def topic_principal(context: str, *permissions: Permission) -> Principal:
    """Return who acts by the commands of a topic: the broker's access list decides who may write to it."""
    topic = topic_of(context)
    return Principal(subject=f"topic:{topic}", permissions=frozenset(permissions), address=topic)


def per_message(handle: Handler) -> Route:
    """Handle messages one by one, each under its own trace."""

    async def route(messages: Sequence[Message], use_cases: UseCases) -> None:
        for message in messages:
            with tracing(message.trace):
                await handle(message, use_cases)
            await asyncio.sleep(0)  # other tasks of the process run between two messages of a long batch

    return route


def command(refused: type[CommandRefused]) -> Callable[[Handler], Route]:
    """Handle commands one by one; a refusal of the core is published as an event of this type."""

    def route_of(handle: Handler) -> Route:
        @per_message
        async def route(message: Message, use_cases: UseCases) -> None:
            try:
                await handle(message, use_cases)
            except Unavailable:
                raise
            except CoreError as refusal:
                await refuse(refused, message, refusal, use_cases)

        return route

    return route_of


async def refuse(refused: type[CommandRefused], message: Message, refusal: CoreError, use_cases: UseCases) -> None:
    """Publish the refusal of a command; the program itself acts, not the sender of the command."""
    with acting_as(SYSTEM):
        await use_cases.messaging.refuse_command(refused, message.id, refusal)


async def ignore_messages(_messages: Sequence[Message], _use_cases: UseCases) -> None:
    """Accept messages that are intended for other programs."""
