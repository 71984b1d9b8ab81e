"""What waits in an office."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.messaging.outbox import OutboxState
from entrypoints.cli.runtime import Runtime


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """Work of one kind that is not done."""

    kind: str
    """As in `deliveries unknown email`."""
    count: int
    oldest: datetime | None
    """Since when the oldest waits; None if nothing waits, or its time is not read."""


async def waiting_work(runtime: Runtime, outbox: OutboxState) -> Sequence[WaitingWork]:
    """Return the events for the broker, the deliveries by state and channel, and the dead letters."""
    deliveries = [
        WaitingWork(f"deliveries {each.state} {each.channel}", each.count, each.oldest)
        for each in await runtime.delivery_figures.waiting()
    ]
    events = WaitingWork("events for the broker", outbox.waiting, outbox.oldest)
    return [events, *deliveries, WaitingWork("dead letters", await runtime.backlog.buried(), None)]
