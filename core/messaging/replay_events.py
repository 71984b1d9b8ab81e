"""Make the effects of events again, from the log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.kernel.errors import Unavailable
from core.kernel.pace import Pace
from core.messaging.event_log import EventLog, EventReplay, LoggedEvent, UnknownConsumer
from core.messaging.inbox import Inbox, NewInbox, Take
from core.messaging.retention import RetainedRecords

EVENTS_PER_PAGE = 200


@dataclass(slots=True)
class ReplayProgress:
    """How far a replay has come."""

    until: datetime
    taken: int = 0
    """Events that were taken in."""
    left: int = 0
    """Events left alone, because they are still on their way to the consumer."""
    dead_letters: int = 0
    """Events left alone, because whoever is on duty decides about them."""
    failed: int = 0


OnProgress = Callable[[ReplayProgress, Mapping[UUID, Exception]], None]
"""Hears that it has begun, then of each batch that is stored, and which of its events failed."""


@dataclass(frozen=True, slots=True)
class ReplayEvents:
    """Take events in as if they had just come; effects that are there stay as they are, those missing are made."""

    log: EventLog
    new_inbox: NewInbox
    consumer: str
    keep: Mapping[RetainedRecords, timedelta]
    clock: Clock

    async def __call__(self, take: Take, which: EventReplay, decision: Decision, pace: Pace, told: OnProgress) -> None:
        """Return at the end of the period, or soon after we are to stop; each batch is one transaction.

        Raises `UnknownConsumer`, or `Unavailable`: then what was told of is stored, and nothing else.
        """
        if which.consumer != self.consumer:
            raise UnknownConsumer(f"there is no consumer {which.consumer[:80]!r}; there is {self.consumer}")
        if not which.dry:
            await self.log.begin(which, decision)
        progress, after = ReplayProgress(which.period.since), None
        told(progress, {})
        while True:
            page = await self.log.page(which, after, min(EVENTS_PER_PAGE, pace.rate or EVENTS_PER_PAGE))
            if page.last is None or not await pace.acquire(len(page.events)):
                return
            living = [event for event in page.events if not event.buried]
            chosen = [event for event in living if which.send or self._was_received(event)]
            failures = {} if which.dry else await self._take(take, chosen, which)
            after, progress.until = page.last, page.last.at
            progress.taken += len(chosen) - len(failures)
            progress.left += len(living) - len(chosen)
            progress.dead_letters += len(page.events) - len(living)
            progress.failed += len(failures)
            told(progress, failures)

    def _was_received(self, event: LoggedEvent) -> bool:
        """Tell whether the consumer has had an event, as far as it can remember."""
        return event.taken or event.message.at < self.clock.now() - self.keep[RetainedRecords.INBOX]

    async def _take(self, take: Take, events: Sequence[LoggedEvent], which: EventReplay) -> Mapping[UUID, Exception]:
        failures: dict[UUID, Exception] = {}
        async with self.new_inbox() as inbox:
            for event in events:
                # When it comes by the broker after all, it has come before.
                fresh = which.send and await inbox.deduplicate(event.message)
                if failure := await self._failure(take, event, inbox):
                    failures[event.message.id] = failure
                    if fresh:
                        await inbox.bury(event.message, failure)
            await inbox.commit()
        return failures

    async def _failure(self, take: Take, event: LoggedEvent, inbox: Inbox) -> Exception | None:
        try:
            await take(event.message, inbox.new_work)
        except Unavailable:
            raise
        except Exception as error:
            return error
        return None
