"""The inbox: a redelivered message takes effect once."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self
from uuid import UUID

from core.kernel.errors import Invalid
from core.kernel.events import Event
from core.kernel.unit_of_work import Transaction
from core.messaging.dead_letters import DeadLetters
from core.messaging.message import Message

DEAD_LETTER_SUFFIX = "dead-letters"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageBuried(Event):
    """A message could not be processed and became a dead letter."""

    MESSAGE_TYPE = "MessageBuried"

    message: UUID
    buried_in: str
    """The context of the message."""
    type: str
    reason: str
    detail: str
    origin: Mapping[str, str]
    payload: bytes
    """The beginning of its body."""

    @property
    def context(self) -> str:
        """Return the context of the dead-letter topic."""
        return f"{self.buried_in}.{DEAD_LETTER_SUFFIX}"


class IdReused(Invalid):
    """A message has the id of another one."""

    problem = "id-reused"


def refuse_reused_id(message: Message, fingerprint: bytes | None) -> None:
    """Raise `IdReused` unless the inbox has this message: its fingerprint, or None, which earlier releases stored."""
    if fingerprint not in (None, message.fingerprint):
        raise IdReused(
            f"the id {message.id} belongs to an earlier message with another content: an id is unique within its source"
        )


class Inbox(Transaction, Protocol):
    """One transaction over a batch of messages; leaving the block without `commit` rolls it back.

    A part (a unit of work) that is left without its commit is rolled back alone. The parts share buffered inserts, and
    a query of a part sees the rows of the parts before it. A broken constraint therefore surfaces as `Conflict` at the
    next query of any part, or at the commit; to find the message, the caller processes the batch one by one.
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
        """Return the messages that are new to this consumer, and store their ids and fingerprints.

        Raises `IdReused` if the id of a message belongs to another one. Call it once per transaction.
        """

    @abstractmethod
    async def bury(self, message: Message, reason: Exception) -> None:
        """Store a message that cannot be processed as a dead letter."""

    @abstractmethod
    async def commit(self) -> None:
        """Commit; raise `Conflict` when the messages of a batch cannot take effect together."""


NewInbox = Callable[[], Inbox]
