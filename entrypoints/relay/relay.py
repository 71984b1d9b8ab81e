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

from core.shared.clock import Clock
from core.shared.errors import Unavailable
from core.shared.messages import Publisher
from core.shared.outbox import OUTBOX, Outbox, Outgoing, Refusal
from core.shared.signals import Signals

log = structlog.get_logger()
PUBLISHED = Metric("bursar_events_published", "Events the broker has taken")
REFUSED = Metric("bursar_events_refused", "Events the broker would not take")
BATCH = 500
SHORTEST, LONGEST = 0.005, 0.45
"""Seconds between looks into an empty outbox: others may fill it without our hearing the bell."""
LONGEST_OUTAGE = 10.0


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
        idle, outage, renewal = SHORTEST, SHORTEST, 0.0
        while not stop.is_set():
            bell = self.signals.listen(OUTBOX)
            try:
                if monotonic() >= renewal:
                    await self.outbox.hold(self.lease)
                    renewal = monotonic() + self.lease / 2
                moved = await self.relay()
            except Exception as error:  # a defect, too, must not end the process that answers candidates
                outage = min(outage * 2, LONGEST_OUTAGE)
                log.warning("relay_waits", seconds=round(outage, 2), error=repr(error))
                await self.signals.wait(stop, outage)
                continue
            outage = SHORTEST
            idle = SHORTEST if moved else min(idle * 2, LONGEST)
            if not moved:
                await self.signals.wait(bell, idle)
        with suppress(Unavailable):
            await self.outbox.hold(0)  # so that nobody has to wait for our leases to run out

    async def relay(self) -> int:
        """Publish one batch, and return how many events were handed over."""
        began = monotonic()
        batch = await self.outbox.unpublished(BATCH)
        handed_over, taken, refused = self.clock.now(), list[Outgoing](), dict[UUID, Refusal]()
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
                    refused[event.message.subject] = Refusal(event, repr(failure))
        if taken:
            await self.outbox.published(taken, handed_over)
            PUBLISHED.inc(len(taken))
        if refused:
            await self._block(list(refused.values()))
        return len(batch)

    async def _block(self, refusals: Sequence[Refusal]) -> None:
        for event, reason in refusals:
            log.error("event_refused", id=str(event.message.id), error=reason)
        REFUSED.inc(len(refusals))
        await self.outbox.block(refusals)


def waves(batch: Sequence[Outgoing]) -> Sequence[Sequence[Outgoing]]:
    """Split events so that no two of one aggregate travel together: the second waits for the first's fate."""
    seen = Counter[UUID]()
    split: list[list[Outgoing]] = []
    for event in batch:
        number = seen[event.message.subject]
        if number == len(split):
            split.append([])
        split[number].append(event)
        seen[event.message.subject] += 1
    return split
