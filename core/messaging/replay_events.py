"""Replay events from the log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.kernel.errors import Unavailable
from core.kernel.pace import Pace
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.messaging.event_log import EventLog, EventReplay, LoggedEvent, UnknownConsumer
from core.messaging.inbox import IdReused, NewInbox
from core.messaging.message import Message
from core.messaging.retention import RetainedRecords
from core.messaging.routing import RoutedUseCases, Routes

EVENTS_PER_PAGE = 200


@dataclass(slots=True)
class ReplayProgress:
    """The progress of a replay."""

    until: datetime
    taken: int = 0
    """Processed events."""
    left: int = 0
    """Events that were skipped because the broker has yet to deliver them."""
    dead_letters: int = 0
    """Events that were skipped because they are dead letters, which an operator settles."""
    failed: int = 0


OnProgress = Callable[[ReplayProgress, Mapping[UUID, Exception]], None]
"""Called at the beginning, then for each committed batch with the failures of its events."""


@requires(Permission.EVENTS_REPLAY)
@dataclass(frozen=True, slots=True)
class ReplayEvents:
    """Process logged events as if they had just been delivered; existing effects stay, missing ones are created."""

    ACTION: ClassVar = "replay-events"

    log: EventLog
    new_work: NewUnitOfWork[UnitOfWork]
    new_inbox: NewInbox
    consumer: str
    retention_periods: Mapping[RetainedRecords, timedelta]
    clock: Clock
    routes: Routes
    use_cases: Callable[[], RoutedUseCases]

    async def __call__(self, which: EventReplay, decision: Decision, pace: Pace, on_progress: OnProgress) -> None:
        """Return at the end of the period, or soon after a stop; each batch is one transaction.

        Raises `UnknownConsumer`, or `Unavailable`: then only the batches reported to `on_progress` are committed.
        """
        if which.consumer != self.consumer:
            raise UnknownConsumer(f"there is no consumer {which.consumer[:80]!r}; there is {self.consumer}")
        if not which.dry_run:
            await self.log.record_replay(which, decision)
            await self._audit(which, decision)
        progress, after = ReplayProgress(which.period.since), None
        on_progress(progress, {})
        while True:
            page = await self.log.page(which, after, min(EVENTS_PER_PAGE, pace.rate or EVENTS_PER_PAGE))
            if page.last is None or not await pace.acquire(len(page.events)):
                return
            living = [event for event in page.events if not event.buried]
            chosen = [event for event in living if which.send or self._was_received(event)]
            failures = {} if which.dry_run else await self._take(chosen, which)
            after, progress.until = page.last, page.last.at
            progress.taken += len(chosen) - len(failures)
            progress.left += len(living) - len(chosen)
            progress.dead_letters += len(page.events) - len(living)
            progress.failed += len(failures)
            on_progress(progress, failures)

    async def _audit(self, which: EventReplay, decision: Decision) -> None:
        told = {"from": which.period.since, "to": which.period.until, "type": which.type, "send": which.send}
        target, after = f"events/{which.consumer}", {**told, "who": decision.who}
        async with self.new_work() as work:
            work.audit(Deed(action=self.ACTION, target=target, after=after, reason=decision.why))
            await work.commit()

    def _was_received(self, event: LoggedEvent) -> bool:
        """Tell whether the consumer has processed an event, as far as the retention of its inbox shows."""
        return event.in_inbox or event.message.at < self.clock.now() - self.retention_periods[RetainedRecords.INBOX]

    async def _take(self, events: Sequence[LoggedEvent], which: EventReplay) -> Mapping[UUID, Exception]:
        failures: dict[UUID, Exception] = {}
        use_cases = self.use_cases() if which.send else self.use_cases().without_sending()
        async with self.new_inbox() as inbox:
            joined = use_cases.within(inbox)
            for event in events:
                try:
                    # If the broker delivers it later, the inbox recognises it.
                    fresh = which.send and await inbox.deduplicate(event.message)
                except IdReused as error:
                    failures[event.message.id] = error
                    continue
                if failure := await self._failure(event.message, joined):
                    failures[event.message.id] = failure
                    if fresh:
                        await inbox.bury(event.message, failure)
            await inbox.commit()
        return failures

    async def _failure(self, message: Message, use_cases: RoutedUseCases) -> Exception | None:
        try:
            await self.routes.process([message], use_cases)
        except Unavailable:
            raise
        except Exception as error:
            return error
        return None
