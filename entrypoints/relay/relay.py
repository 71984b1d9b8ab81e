"""Publishes the outbox: a row is deleted only after the broker has acknowledged it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import structlog
from prometheus_client import Counter as Metric
from prometheus_client import Histogram

from core.kernel.clock import Clock
from core.kernel.errors import Unavailable
from core.kernel.signals import Signals
from core.messaging.message import Publisher
from core.messaging.outbox import OUTBOX_SIGNAL, Outbox, OutboxEntry, PublishFailure
from entrypoints.effects import count_effect

log = structlog.get_logger()
EVENTS_PUBLISHED = Metric("bursar_events_published", "Events the broker has taken, by their type", ["type"])
EVENTS_REFUSED = Metric("bursar_events_refused", "Events the broker would not take")
MAX_EVENTS_PER_BATCH = 500
BATCH_EVENTS = Histogram(
    "bursar_relay_batch_events", "Events of one batch of a relay", buckets=[1, 5, 20, 100, 250, MAX_EVENTS_PER_BATCH]
)
MIN_POLL_INTERVAL_SECONDS, MAX_POLL_INTERVAL_SECONDS = 0.005, 0.45
"""Polling finds the events of other processes, which cannot signal this one."""
MAX_OUTAGE_BACKOFF_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Relay:
    """Publishes committed events, the oldest first."""

    outbox: Outbox
    publisher: Publisher
    signals: Signals
    clock: Clock
    lease_seconds: float = 5.0
    """Other relays take over the shards of a relay that has not renewed its leases for so long."""

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set; the batch in flight is finished first."""
        idle, outage, renewal = MIN_POLL_INTERVAL_SECONDS, MIN_POLL_INTERVAL_SECONDS, 0.0
        while not stop.is_set():
            committed = self.signals.listen(OUTBOX_SIGNAL)
            try:
                if monotonic() >= renewal:
                    await self.outbox.renew(self.lease_seconds)
                    renewal = monotonic() + self.lease_seconds / 2
                found = await self.relay()
            except Exception as error:  # a defect must not end a process that also serves HTTP
                count_effect("relay", done=False)
                outage = min(outage * 2, MAX_OUTAGE_BACKOFF_SECONDS)
                log.warning("relay_backing_off", seconds=round(outage, 2), error=error)
                await self.signals.wait(stop, outage)
                continue
            count_effect("relay", done=True)
            outage = MIN_POLL_INTERVAL_SECONDS
            idle = MIN_POLL_INTERVAL_SECONDS if found else min(idle * 2, MAX_POLL_INTERVAL_SECONDS)
            if not found:
                await self.signals.wait(committed, idle)
        with suppress(Unavailable):
            await self.outbox.renew(0)  # other relays need not wait for the leases to expire

    async def relay(self) -> int:
        """Publish one batch, and return how many events the outbox had for it, refused ones included."""
        began = monotonic()
        batch = await self.outbox.unpublished(MAX_EVENTS_PER_BATCH)
        if batch:
            BATCH_EVENTS.observe(len(batch))
        handed_over, taken, refused = self.clock.now(), list[OutboxEntry](), dict[UUID, PublishFailure]()
        for wave in waves(batch):
            if (taken or refused) and monotonic() - began > self.lease_seconds / 3:
                break  # before the leases expire; the next batch has the rest
            if not (ready := [event for event in wave if event.message.subject not in refused]):
                continue
            results = await self.publisher.publish([event.message for event in ready])
            for event, failure in zip(ready, results, strict=True):
                if failure is None:
                    taken.append(event)
                else:
                    refused[event.message.subject] = PublishFailure(event, repr(failure))
        if taken:
            await self.outbox.mark_published(taken, handed_over)
            for kind, count in Counter(event.message.type for event in taken).items():
                EVENTS_PUBLISHED.labels(kind).inc(count)
        if refused:
            await self._block(list(refused.values()))
        return len(batch)

    async def _block(self, failed_publishes: Sequence[PublishFailure]) -> None:
        for event, reason in failed_publishes:
            log.error("event_refused", id=str(event.message.id), error=reason)
        EVENTS_REFUSED.inc(len(failed_publishes))
        await self.outbox.block(failed_publishes)


def waves(batch: Sequence[OutboxEntry]) -> Sequence[Sequence[OutboxEntry]]:
    """Split a batch so that no wave has two events of one aggregate: the second waits for the first's result."""
    seen = Counter[UUID]()
    split: list[list[OutboxEntry]] = []
    for event in batch:
        number = seen[event.message.subject]
        if number == len(split):
            split.append([])
        split[number].append(event)
        seen[event.message.subject] += 1
    return split
