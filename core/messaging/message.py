"""Messages: encoded events and commands, and the ports that carry them."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from core.kernel.events import announcing_contexts
from core.kernel.trace import Trace

B = TypeVar("B")
CLOUDEVENTS_SOURCE = "bursar"
"""The CloudEvents source of every event that this program announces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A CloudEvent: one encoded event or command with its attributes."""

    id: UUID
    type: str
    context: str
    subject: UUID
    version: int
    data_version: int = 1
    """The version of the body's form; 0 if the header cannot be read."""
    at: datetime
    body: bytes
    """JSON."""
    kept: bytes = b""
    """JSON that the event log stores beside the body, and no transport carries; empty: nothing."""
    trace: Trace = field(default_factory=Trace)
    origin: Mapping[str, str] = field(default_factory=dict)
    """Topic, partition, offset and headers, kept for the investigation of dead letters."""
    malformed: str = ""
    """Why the message cannot be processed whatever it contains; its dead letter is replayed without it."""

    @property
    def fingerprint(self) -> bytes:
        """Return 16 bytes that tell messages of the same id apart; those of a redelivery are equal."""
        head = f"{self.context} {self.subject} {len(self.type)} {self.type} "
        hashed = blake2b(head.encode(errors="surrogatepass"), digest_size=16)
        hashed.update(self.body)
        return hashed.digest()


@dataclass(frozen=True, slots=True)
class Received(Generic[B]):
    """A message with its decoded body."""

    message: Message
    body: B


def topic_of(context: str) -> str:
    """Return the topic of a context: `bursar.fees.v1`, or `bursar.fees.commands.v1` for `fees.commands`."""
    return f"{CLOUDEVENTS_SOURCE}.{context}.v1"


def is_own_context(context: str) -> bool:
    """Tell whether only this program writes to the topic of a context, such as `fees` or `fees.dead-letters`."""
    name, _, kind = context.partition(".")
    return name in announcing_contexts() and kind != "commands"


class Publisher(Protocol):
    """The transport that publishes events."""

    @abstractmethod
    async def publish(self, messages: Sequence[Message]) -> Sequence[Exception | None]:
        """Publish messages in order; return for each `None` once it is acknowledged, or the error.

        Raises `Unavailable` when the outcome of every message is unknown: publish all of them again.
        """


MessageBatchHandler = Callable[[Sequence[Message]], Awaitable[None]]
"""Processes messages; returns when their effects are committed, raises `Unavailable` when they must be redelivered."""


class MessageSource(Protocol):
    """The embedded transport: a publisher in the same process as its only subscriber."""

    @abstractmethod
    def subscribe(self, handle_batch: MessageBatchHandler) -> None:
        """Pass every message that is published from now on to `handle_batch`."""
