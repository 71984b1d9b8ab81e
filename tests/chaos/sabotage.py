"""Promises that workers can be made to break, each by changing one port: the kit must find them out."""

from collections.abc import Sequence
from typing import Any

from config.container import Application
from tests.chaos.points import instead_of

SABOTAGES = {"inbox": "consumer", "acknowledgement": "relay", "order": "relay"}
"""What can be broken, and by whom."""


def sabotage(application: Application, role: str, which: str) -> None:
    """Break one promise."""
    if SABOTAGES.get(which) != role:
        return
    driven = application.driven
    match which:
        case "inbox":
            instead_of(driven.new_inbox, forgetful)
        case "acknowledgement":
            rash(driven.outbox(), driven.clock())
        case "order":
            disorderly(driven.outbox())


def forgetful(inbox: Any) -> Any:
    """Take every message for a new one."""
    accept = inbox.accept

    async def accept_always(*messages: Any) -> Sequence[Any]:
        await accept(*messages)
        return messages

    inbox.accept = accept_always
    return inbox


def rash(outbox: Any, clock: Any) -> None:
    """Delete events before the broker has acknowledged them."""
    read = outbox.unpublished

    async def read_and_delete(limit: int) -> Sequence[Any]:
        events: Sequence[Any] = await read(limit)
        if events:
            await outbox.published(events, clock.now())
        return events

    outbox.unpublished = read_and_delete


def disorderly(outbox: Any) -> None:
    """Send the newest event of an aggregate first."""
    read = outbox.unpublished

    async def read_backwards(limit: int) -> Sequence[Any]:
        return list(reversed(await read(limit)))

    outbox.unpublished = read_backwards
