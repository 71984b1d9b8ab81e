"""The outbox to the broker: a row leaves only after the broker has acknowledged it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from core.shared.clock import Clock
from core.shared.errors import Unavailable
from core.shared.messages import Publisher
from core.shared.outbox import OUTBOX, Outbox, Outgoing
from core.shared.signals import Signals

log = structlog.get_logger()
BATCH = 500
SHORTEST, LONGEST = 0.005, 0.25
"""Seconds between looks into an empty outbox: others may fill it without our hearing the bell."""
LONGEST_OUTAGE = 10.0


@dataclass(frozen=True, slots=True)
class Relay:
    """Publish what was committed, oldest first."""

    outbox: Outbox
    publisher: Publisher
    signals: Signals
    clock: Clock

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set and nothing is in hand."""
        idle, outage = SHORTEST, SHORTEST
        while not stop.is_set():
            bell = self.signals.listen(OUTBOX)
            try:
                moved = await self.relay()
            except Unavailable as error:
                outage = min(outage * 2, LONGEST_OUTAGE)
                log.warning("relay_waits", seconds=round(outage, 2), error=str(error))
                await self.signals.wait(stop, outage)
                continue
            outage = SHORTEST
            idle = SHORTEST if moved else min(idle * 2, LONGEST)
            if not moved:
                await self.signals.wait(bell, idle)

    async def relay(self) -> int:
        """Publish one batch, and return how many events the broker took."""
        batch = await self.outbox.unpublished(BATCH)
        if not batch:
            return 0
        handed_over, taken, held_back = self.clock.now(), list[Outgoing](), set[UUID]()
        for wave in waves(batch):
            if not (ready := [event for event in wave if event.message.subject not in held_back]):
                continue
            results = await self.publisher.publish([event.message for event in ready])
            for event, failure in zip(ready, results, strict=True):
                if failure is None:
                    taken.append(event)
                else:
                    held_back.add(event.message.subject)
                    log.error("event_not_published", id=str(event.message.id), error=repr(failure))
        if not taken:
            raise Unavailable("the broker took none of the events")
        await self.outbox.published(taken, handed_over)
        return len(taken)


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
