"""The append-only log of all events, from which events can be replayed."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.kernel.decisions import Decision
from core.kernel.errors import Invalid, NotFound
from core.kernel.period import Period
from core.kernel.text import line_fault
from core.messaging.message import Message

MAX_TYPE_LENGTH = 64


class UnknownConsumer(NotFound):
    """No consumer has this name."""

    problem = "unknown-consumer"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReplay:
    """Selects the events that a consumer processes again, and how."""

    consumer: str
    period: Period
    type: str | None = None
    """Limits the replay to events of this type."""
    send: bool = False
    """Whether missing deliveries are sent; otherwise they are stored as suppressed."""
    dry_run: bool = False
    """Whether the replay only counts events."""

    def __post_init__(self) -> None:
        if self.type is not None and line_fault(self.type, MAX_TYPE_LENGTH):
            raise Invalid(f"`type` is one printable line of up to {MAX_TYPE_LENGTH} characters", at="$.type")


@dataclass(frozen=True, slots=True, order=True)
class LogPosition:
    """The position of an event in the log, which is ordered by time."""

    at: datetime
    event: UUID
    subject: UUID = field(compare=False)
    version: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event, and what is stored about it for the consumer."""

    message: Message
    in_inbox: bool
    """Whether its id is in the inbox."""
    buried: bool
    """Whether it is a dead letter that had no effect: buried or dropped."""


@dataclass(frozen=True, slots=True)
class EventLogPage:
    """Events in the order in which they are to be processed."""

    events: Sequence[LoggedEvent]
    last: LogPosition | None
    """The position after which the next page begins; None at the end."""


class EventLog(Protocol):
    """The event log, joined with the inbox and dead letters of one consumer."""

    @abstractmethod
    async def page(self, which: EventReplay, after: LogPosition | None, limit: int) -> EventLogPage:
        """Return about `limit` events by time, each after the earlier events of its aggregate."""

    @abstractmethod
    async def record_replay(self, which: EventReplay, decision: Decision) -> None:
        """Store the selection of a replay and the decision behind it."""


def in_version_order(page: Sequence[LogPosition], same_aggregate: Iterable[LogPosition]) -> Sequence[UUID]:
    """Return the events to process with a page, given all events to be replayed of the aggregates in it.

    The clocks of processes differ, so an event may be logged with a later time than its successor. It is processed
    with its first successor and left out at its own position.
    """
    by_aggregate = defaultdict[UUID, list[LogPosition]](list)
    for relative in sorted(same_aggregate, key=lambda place: place.version):
        by_aggregate[relative.subject].append(relative)
    ordered: dict[UUID, None] = {}
    for place in page:
        family = by_aggregate[place.subject]
        before = max((each.version for each in family if each < page[0]), default=0)
        ordered |= {each.event: None for each in family if before < each.version <= place.version}
    return list(ordered)
