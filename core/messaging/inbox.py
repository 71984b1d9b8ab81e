"""The inbox: messages take effect once, however often they are delivered."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import UUID

from core.kernel.events import Event
from core.messaging.dead_letters import DeadLetters
from core.messaging.message import Message

DEAD_LETTER_SUFFIX = "dead-letters"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageBuried(Event):
    """A message could not be understood and waits for a person."""

    MESSAGE_TYPE = "MessageBuried"

    message: UUID
    buried_in: str
    """The context whose dead letter it is."""
    type: str
    reason: str
    detail: str
    origin: Mapping[str, str]
    payload: bytes
    """The beginning of its body."""

    @property
    def context(self) -> str:
        """Return the topic of dead letters, not of events."""
        return f"{self.buried_in}.{DEAD_LETTER_SUFFIX}"


class Inbox(Protocol):
    """One transaction over a message, or over a batch of them.  Leaving it without `commit` undoes everything.

    A part that is left without its commit never happened.  The parts of a batch share their inserts.  A part that looks
    sees what those before it wrote; what one of them runs into is a `Conflict` of whoever looks next, or of the commit
    of all, which then fails in any case: whoever wants to know which one it was takes the messages one by one.
    """

    dead_letters: DeadLetters

    @abstractmethod
    async def __aenter__(self) -> Self: ...

    @abstractmethod
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    @abstractmethod
    async def deduplicate(self, *messages: Message) -> Sequence[Message]:
        """Return those that are new to this consumer, each once, and remember that they came; to be asked once."""

    @abstractmethod
    def new_work(self) -> Any:
        """Return a unit of work of any context that is part of this transaction: its commit takes effect with ours."""

    @abstractmethod
    async def bury(self, message: Message, reason: Exception) -> None:
        """Keep a message that cannot be understood where a person will find it."""

    @abstractmethod
    async def commit(self) -> None:
        """Make it durable; raise `Conflict` when the messages of a batch cannot take effect together."""


NewInbox = Callable[[], Inbox]
Take = Callable[[Message, Callable[[], Any]], Awaitable[None]]
"""Lets a message take effect in units of work of a transaction; raises what kept it from doing so."""
