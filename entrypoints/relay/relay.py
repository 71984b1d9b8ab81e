"""The outbox to the broker: a row leaves only after the broker has acknowledged it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import structlog
from prometheus_client import Counter as Metric

from core.kernel.clock import Clock
from core.kernel.errors import Unavailable
from core.kernel.signals import Signals
from core.messaging.message import Publisher
from core.messaging.outbox import OUTBOX_SIGNAL, Outbox, OutboxEntry, PublishFailure

log = structlog.get_logger()
EVENTS_PUBLISHED = Metric("bursar_events_published", "Events the broker has taken")
EVENTS_REFUSED = Metric("bursar_events_refused", "Events the broker would not take")
MAX_EVENTS_PER_BATCH = 500
MIN_POLL_INTERVAL_SECONDS, MAX_POLL_INTERVAL_SECONDS = 0.005, 0.45
"""Seconds between looks into an empty outbox: others may fill it without our hearing the bell."""
MAX_OUTAGE_BACKOFF_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Relay:
    """Publish what was committed, oldest first."""

    outbox: Outbox
    publisher: Publisher
    signals: Signals
    clock: Clock
    lease: float = 5.0
    """Seconds after which others may take the shards of a relay that gives no sign of life."""

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set and nothing is in hand."""
        idle, outage, renewal = MIN_POLL_INTERVAL_SECONDS, MIN_POLL_INTERVAL_SECONDS, 0.0
        while not stop.is_set():
            bell = self.signals.listen(OUTBOX_SIGNAL)
            try:
                if monotonic() >= renewal:
                    await self.outbox.hold(self.lease)
                    renewal = monotonic() + self.lease / 2
                moved = await self.relay()
            except Exception as error:  # a defect, too, must not end the process that answers candidates
                outage = min(outage * 2, MAX_OUTAGE_BACKOFF_SECONDS)
                log.warning("relay_backing_off", seconds=round(outage, 2), error=repr(error))
                await self.signals.wait(stop, outage)
                continue
            outage = MIN_POLL_INTERVAL_SECONDS
            idle = MIN_POLL_INTERVAL_SECONDS if moved else min(idle * 2, MAX_POLL_INTERVAL_SECONDS)
            if not moved:
                await self.signals.wait(bell, idle)
        with suppress(Unavailable):
            await self.outbox.hold(0)  # so that nobody has to wait for our leases to run out

    async def relay(self) -> int:
        """Publish one batch, and return how many events were handed over."""
        began = monotonic()
        batch = await self.outbox.unpublished(MAX_EVENTS_PER_BATCH)
        handed_over, taken, refused = self.clock.now(), list[OutboxEntry](), dict[UUID, PublishFailure]()
        for wave in waves(batch):
            if (taken or refused) and monotonic() - began > self.lease / 3:
                break  # to be on the safe side of our leases; the rest comes again
            if not (ready := [event for event in wave if event.message.subject not in refused]):
                continue
            results = await self.publisher.publish([event.message for event in ready])
            for event, failure in zip(ready, results, strict=True):
                if failure is None:
                    taken.append(event)
                else:
                    refused[event.message.subject] = PublishFailure(event, repr(failure))
        if taken:
            await self.outbox.published(taken, handed_over)
            EVENTS_PUBLISHED.inc(len(taken))
        if refused:
            await self._block(list(refused.values()))
        return len(batch)

    async def _block(self, failed_publishes: Sequence[PublishFailure]) -> None:
        for event, reason in failed_publishes:
            log.error("event_refused", id=str(event.message.id), error=reason)
        EVENTS_REFUSED.inc(len(failed_publishes))
        await self.outbox.block(failed_publishes)


def waves(batch: Sequence[OutboxEntry]) -> Sequence[Sequence[OutboxEntry]]:
    """Split events so that no two of one aggregate travel together: the second waits for the first's fate."""
    seen = Counter[UUID]()
    split: list[list[OutboxEntry]] = []
    for event in batch:
        number = seen[event.message.subject]
        if number == len(split):
            split.append([])
        split[number].append(event)
        seen[event.message.subject] += 1
    return split
