"""The log of everything that was announced, from which the effects of events can be made again."""

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
from core.messaging.message import Message

MAX_TYPE_LENGTH = 64


class UnknownConsumer(NotFound):
    """Nobody of this name takes events in."""

    problem = "unknown-consumer"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReplay:
    """Which events to take in again, and how."""

    consumer: str
    period: Period
    type: str | None = None
    """Only events of this type."""
    send: bool = False
    """Whether what is missing goes out to people; otherwise it is written down as suppressed."""
    dry: bool = False
    """Only count."""

    def __post_init__(self) -> None:
        if self.type is not None and (len(self.type) > MAX_TYPE_LENGTH or not self.type.isprintable()):
            raise Invalid(f"`type` is one printable line of up to {MAX_TYPE_LENGTH} characters", at="$.type")


@dataclass(frozen=True, slots=True, order=True)
class LogPosition:
    """Where an event is in the log, which is ordered by time."""

    at: datetime
    event: UUID
    subject: UUID = field(compare=False)
    version: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event, and what the consumer remembers of it."""

    message: Message
    taken: bool
    """Whether it came."""
    buried: bool
    """Whether it is a dead letter that took no effect: it waits for a person, or was dropped by one."""


@dataclass(frozen=True, slots=True)
class EventLogPage:
    """Some events in the order in which they should be taken in."""

    events: Sequence[LoggedEvent]
    last: LogPosition | None
    """Ask for what comes after this; None at the end."""


class EventLog(Protocol):
    """The log, as one consumer sees it."""

    @abstractmethod
    async def page(self, which: EventReplay, after: LogPosition | None, limit: int) -> EventLogPage:
        """Return about `limit` events by time, each after the earlier ones of its aggregate."""

    @abstractmethod
    async def begin(self, which: EventReplay, decision: Decision) -> None:
        """Write down who replays what, and why."""


def in_version_order(page: Sequence[LogPosition], same_aggregate: Iterable[LogPosition]) -> Sequence[UUID]:
    """Return the events to take in with a page, given every event to be replayed of the aggregates in it.

    Processes differ about the time, so an event may be logged as later than one that follows it.  It is taken in
    with the first that follows it, and left out where its own time comes.
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
