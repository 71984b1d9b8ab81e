"""Dead letters: messages that could not be processed and wait for an operator."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Protocol, Self, TypeAlias
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.constraints import Text
from core.kernel.decisions import Decision
from core.kernel.errors import Conflict, NotFound, error_name
from core.kernel.period import Period
from core.messaging.message import Message

MAX_TYPE_LENGTH, MAX_REASON_LENGTH, MAX_DETAIL_LENGTH = 255, 64, 4_000
WORD = Text(f"Unicode of up to {MAX_TYPE_LENGTH} characters", most=MAX_TYPE_LENGTH)
Word: TypeAlias = Annotated[str, WORD]
"""A context, a type or a reason that a dead letter can have."""


class UnknownDeadLetter(NotFound):
    """No dead letter has this id."""

    problem = "unknown-dead-letter"

    @classmethod
    def with_id(cls, letter: UUID) -> Self:
        """Return the error for the id of a message."""
        return cls(f"there is no dead letter {letter}")

    @classmethod
    def to_continue_after(cls, letter: UUID) -> Self:
        """Return the error for the id after which a page begins."""
        return cls(f"there is no dead letter {letter} to continue after")


class LetterAlreadySettled(Conflict):
    """The dead letter was replayed or dropped before, or another transaction is settling it now."""

    problem = "letter-already-settled"

    @classmethod
    def since(cls, state: str, handled_at: datetime | None) -> Self:
        """Return the error for a dead letter that was replayed or dropped."""
        return cls(f"it was {state} at {handled_at:%Y-%m-%d %H:%M:%S} UTC")


class LetterStillBuried(Conflict):
    """The replay failed and was rolled back; the message stays a dead letter."""

    problem = "letter-still-buried"


class NotUnderstoodHere(Conflict):
    """No route of this program matches the type and data version; the dead letter is unchanged."""

    problem = "not-understood-here"


class LettersChanged(Conflict):
    """The number of dead letters differs from the confirmed one; preview them again."""

    problem = "letters-changed"


class TooManyLetters(Conflict):
    """The filter matches more dead letters than one request may settle."""

    problem = "too-many-letters"


class DeadLetterState(StrEnum):
    """The state of a dead letter."""

    BURIED = "buried"
    REPLAYED = "replayed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be processed, without its body."""

    id: UUID
    """The id of the message."""
    context: str
    type: str
    reason: str
    """The name of the last error."""
    detail: str
    buried_at: datetime
    state: DeadLetterState = DeadLetterState.BURIED
    tries: int = 0
    """The number of failed replays."""
    handled_at: datetime | None = None
    """The time of the last replay, failed replay or drop."""
    handled_by: str = ""
    why: str = ""


def reason_and_detail(reason: Exception) -> Mapping[str, Any]:
    """Return the columns that store an error, cut to their widths."""
    return {"reason": error_name(reason)[:MAX_REASON_LENGTH], "detail": str(reason)[:MAX_DETAIL_LENGTH]}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterFilter:
    """Selects dead letters by state, period of burial, and optionally context, type and reason."""

    state: DeadLetterState = DeadLetterState.BURIED
    buried: Period = field(default_factory=Period)
    context: Word | None = None
    type: Word | None = None
    reason: Word | None = None

    def __post_init__(self) -> None:
        for name, text in self.names.items():
            WORD.check(name, text)

    @property
    def names(self) -> Mapping[str, str]:
        """Return the given names by the field of a dead letter that must equal them."""
        wanted = {"context": self.context, "type": self.type, "reason": self.reason}
        return {name: text for name, text in wanted.items() if text is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterGroup:
    """The number of dead letters of one context, type and reason."""

    context: str
    type: str
    reason: str
    count: int


class DeadLetters(Protocol):
    """The dead letters of one consumer, for changes within a transaction."""

    @abstractmethod
    async def settle(self, letter: UUID, state: DeadLetterState, decision: Decision) -> Message:
        """Set the state of a buried dead letter without waiting for locks.

        Raises `UnknownDeadLetter` or `LetterAlreadySettled`.
        """

    @abstractmethod
    async def record_failed_replay(self, letter: UUID, failure: Exception, decision: Decision) -> None:
        """Store the failure of a replay, unless the dead letter was settled meanwhile."""


class DeadLetterList(Protocol):
    """The dead letters of one consumer, for queries."""

    @abstractmethod
    async def find(self, letter: UUID) -> tuple[DeadLetter, Message] | None:
        """Return a dead letter and its message."""

    @abstractmethod
    async def newest(self, which: DeadLetterFilter, after: UUID | None, limit: int) -> Sequence[DeadLetter]:
        """Return the dead letters buried last, or those before `after`."""

    @abstractmethod
    async def oldest(self, which: DeadLetterFilter, after: UUID | None, limit: int) -> Sequence[DeadLetter]:
        """Return the dead letters buried first, or those that follow `after`."""

    @abstractmethod
    async def count(self, which: DeadLetterFilter) -> Sequence[DeadLetterGroup]:
        """Return the number of dead letters of each context, type and reason, the largest group first."""


def settled(action: str, letter: UUID, decision: Decision) -> Deed:
    """Return the audit record's content for the settlement of a dead letter."""
    after = {"who": decision.who}
    return Deed(action=action, target=f"dead-letter/{letter}", after=after, reason=decision.why)
