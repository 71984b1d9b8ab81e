"""How much waits in the outbox, for those who watch."""

import asyncio

import structlog
from prometheus_client import Gauge

from core.shared.clock import Clock
from core.shared.errors import Unavailable
from core.shared.outbox import Backlog
from core.shared.signals import Signals

log = structlog.get_logger()
WAITING = Gauge("bursar_outbox_waiting", "Events that wait for the broker")
OLDEST = Gauge("bursar_outbox_oldest_seconds", "How long the first of them has waited")
BLOCKED = Gauge("bursar_outbox_blocked_aggregates", "Aggregates whose next event the broker refuses")
PAUSE = 20.0
"""Seconds between looks: to count a million rows takes the database a tenth of a second."""


async def watch(backlog: Backlog, clock: Clock, stop: asyncio.Event) -> None:
    """Keep the gauges up to date until `stop` is set."""
    while not stop.is_set():
        try:
            state = await backlog.look()
        except Unavailable as error:
            log.warning("backlog_unknown", error=str(error))
        else:
            WAITING.set(state.waiting)
            OLDEST.set((clock.now() - state.oldest).total_seconds() if state.oldest else 0)
            BLOCKED.set(len(state.blocked))
        await Signals.wait(stop, PAUSE)
