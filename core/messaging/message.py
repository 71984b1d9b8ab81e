"""Events and commands while they travel."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from typing import Protocol
from uuid import UUID

from core.kernel.trace import Trace

CLOUDEVENTS_SOURCE = "bursar"
"""Who announces our events: the CloudEvents source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A CloudEvent: one event or command, encoded, with what is known about it."""

    id: UUID
    type: str
    context: str
    subject: UUID
    version: int
    data_version: int = 1
    """Of the form of its body; 0 where it cannot be read."""
    at: datetime
    body: bytes
    """JSON."""
    trace: Trace = field(default_factory=Trace)
    origin: Mapping[str, str] = field(default_factory=dict)
    """Where it came from, for whoever has to look into it: topic, partition, offset, headers."""


def topic_of(context: str) -> str:
    """Return the topic of a context's messages: `bursar.fees.v1`, or `bursar.fees.commands.v1` for its commands."""
    return f"{CLOUDEVENTS_SOURCE}.{context}.v1"


@cache
def is_own_context(context: str) -> bool:
    """Return whether nobody else writes to the topic: it is a context of this core, and not its commands."""
    name, _, what = context.partition(".")
    return what != "commands" and find_spec(f"core.{name}") is not None


class Publisher(Protocol):
    """Somebody who makes events known outside."""

    @abstractmethod
    async def publish(self, messages: Sequence[Message]) -> Sequence[Exception | None]:
        """Hand over messages in order; return for each `None` once it is safe, or why it is not.

        Raises `Unavailable` when nobody knows of any: they must all come again.
        """


Deliver = Callable[[Sequence[Message]], Awaitable[None]]
"""Takes messages in; returns when they have taken effect, raises `Unavailable` when they must come again."""


class MessageSource(Protocol):
    """A publisher in the same process as its only subscriber."""

    @abstractmethod
    def subscribe(self, deliver: Deliver) -> None:
        """Give every message published from now on to `deliver`."""
