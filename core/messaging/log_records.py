"""Records that follow from the event log, and how the stored ones are compared with it."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from core.kernel.errors import Conflict
from core.messaging.message import Message

Records = Sequence[Any]
"""What a projection stores for an event: submissions, transactions of the ledger, changes of stock."""


class UnreadableLog(Conflict):
    """The log lacks an event, or has one that this program cannot read; nothing is rebuilt from a part of it."""

    problem = "unreadable-log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """How the records of a projection follow from events; records of different events do not depend on each other."""

    kinds: Mapping[tuple[str, str], Callable[[Message], Records]]
    """By context and message type."""
    numbered: Sequence[str] = ()
    """The contexts whose aggregates number their events without a gap."""
    related: Callable[[UUID], Sequence[UUID]] = lambda aggregate: (aggregate,)
    """Returns the ids under which the events of one thing are numbered: a submission, and its fee account."""
    is_consumed: bool = True
    """Whether the consumer stores the records, and not the transaction of the event."""

    @property
    def contexts(self) -> Sequence[str]:
        """Return the contexts whose events it reads."""
        return sorted({context for context, _ in self.kinds})


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what the log says; without its values, which can be personal data."""

    table: str
    key: str
    column: str
    """Empty: the row is missing."""

    @property
    def is_missing(self) -> bool:
        """Return whether the row is missing, or is the state after an earlier event."""
        return not self.column


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of records with stored rows."""

    found: int = 0
    """Stored rows that belong to the records, whatever they contain."""
    missing: int = 0
    differences: Sequence[Difference] = ()
    """Those of stored rows; of a snapshot also the missing rows."""

    @property
    def different(self) -> int:
        """Return the number of columns that differ."""
        return sum(not each.is_missing for each in self.differences)


class LogSnapshot(Protocol):
    """The event log and the rows of one projection as of one moment."""

    @abstractmethod
    async def events(self, context: str, after: UUID | None, limit: int) -> Sequence[Message]:
        """Return the next events after one of them, by id."""

    @abstractmethod
    async def compare(self, records: Records) -> Comparison:
        """Compare the stored rows with the records that follow from the log."""

    @abstractmethod
    async def count(self) -> int:
        """Return the number of stored rows."""

    @abstractmethod
    async def unprocessed(self, events: Sequence[Message]) -> Collection[UUID]:
        """Return the ids of those events that the consumer has still to process."""


class LogSnapshots(Protocol):
    """Opens snapshots."""

    @abstractmethod
    def open(self, projection: str) -> AbstractAsyncContextManager[LogSnapshot]:
        """Open a snapshot; entering it raises `Unavailable` while too many are open."""


class RecordStore(Protocol):
    """Completes the stored rows of a projection; a row that exists stays as it is."""

    @abstractmethod
    async def complete(self, projection: str, records: Records) -> Comparison:
        """Insert missing rows in one transaction; return what was found before.

        Raises `Unavailable`, also when the consumer has stored one of them meanwhile, or the conflict with another row.
        """

    @abstractmethod
    async def derive(self, projection: str) -> int:
        """Compute anew what is derived from the rows: sums of postings; return how many were wrong."""
