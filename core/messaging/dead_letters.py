"""Dead letters: messages that could not be understood, and wait for a person."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from core.kernel.decisions import Decision
from core.kernel.errors import Conflict, Invalid, NotFound
from core.kernel.errors import reason as error_name
from core.kernel.period import Period
from core.messaging.message import Message

MAX_TYPE_LENGTH, MAX_REASON_LENGTH, MAX_DETAIL_LENGTH = 255, 64, 4_000


class UnknownDeadLetter(NotFound):
    """There is no dead letter of this id."""

    problem = "unknown-dead-letter"


class LetterAlreadySettled(Conflict):
    """The dead letter was replayed or dropped before, or somebody is just doing it."""

    problem = "letter-already-settled"


class LetterStillBuried(Conflict):
    """The message failed again; nothing of it took effect, and it stays a dead letter."""

    problem = "letter-still-buried"


class NotUnderstoodHere(Conflict):
    """Nobody in this program understands messages of this type and version; the dead letter stays as it is."""

    problem = "not-understood-here"


class LettersChanged(Conflict):
    """There are more or fewer dead letters than were confirmed: look again at what would be done."""

    problem = "letters-changed"


class TooManyLetters(Conflict):
    """These are more dead letters than one request may settle."""

    problem = "too-many-letters"


class DeadLetterState(StrEnum):
    """What became of a dead letter."""

    BURIED = "buried"
    REPLAYED = "replayed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be understood, without its content."""

    id: UUID
    """The id of the message."""
    context: str
    type: str
    reason: str
    """The name of the error that buried it, the latest if it failed again."""
    detail: str
    buried_at: datetime
    state: DeadLetterState = DeadLetterState.BURIED
    tries: int = 0
    """How many replays have failed."""
    handled_at: datetime | None = None
    """When it was replayed, tried or dropped the last time."""
    handled_by: str = ""
    why: str = ""


def reason_and_detail(reason: Exception) -> Mapping[str, Any]:
    """Return what is written down of an error."""
    return {"reason": error_name(reason)[:MAX_REASON_LENGTH], "detail": str(reason)[:MAX_DETAIL_LENGTH]}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterFilter:
    """Which dead letters are meant: all of a state and a period, of these names if they are given."""

    state: DeadLetterState = DeadLetterState.BURIED
    buried: Period = field(default_factory=Period)
    context: str | None = None
    type: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        for name, text in self.names.items():
            if len(text) > MAX_TYPE_LENGTH or any("\ud800" <= letter <= "\udfff" for letter in text):
                raise Invalid(f"`{name}` is Unicode of up to {MAX_TYPE_LENGTH} characters", at=f"$.{name}")

    @property
    def names(self) -> Mapping[str, str]:
        """Return the names that are given, by the field of a letter that must be equal."""
        wanted = {"context": self.context, "type": self.type, "reason": self.reason}
        return {name: text for name, text in wanted.items() if text is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterGroup:
    """Dead letters that are alike, and how many there are."""

    context: str
    type: str
    reason: str
    count: int


class DeadLetters(Protocol):
    """The dead letters of one consumer, within a transaction that changes them."""

    @abstractmethod
    async def settle(self, letter: UUID, state: DeadLetterState, decision: Decision) -> Message:
        """Mark a letter that is still buried; raise `UnknownDeadLetter` or `LetterAlreadySettled`, and never wait."""

    @abstractmethod
    async def record_failed_replay(self, letter: UUID, failure: Exception, decision: Decision) -> None:
        """Write down that a replay failed, unless somebody has settled the letter meanwhile."""


class DeadLetterList(Protocol):
    """The dead letters of one consumer, for people who look at them."""

    @abstractmethod
    async def find(self, letter: UUID) -> tuple[DeadLetter, Message] | None:
        """Return a letter and what it holds."""

    @abstractmethod
    async def newest(self, which: DeadLetterFilter, after: UUID | None, limit: int) -> Sequence[DeadLetter]:
        """Return the letters buried last, or last before another one."""

    @abstractmethod
    async def oldest(self, which: DeadLetterFilter, after: UUID | None, limit: int) -> Sequence[DeadLetter]:
        """Return the letters buried first, or first after another one."""

    @abstractmethod
    async def count(self, which: DeadLetterFilter) -> Sequence[DeadLetterGroup]:
        """Return how many there are of each kind, the largest group first."""
