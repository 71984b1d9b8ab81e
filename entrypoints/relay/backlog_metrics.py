"""How much waits in the outbox, for those who watch."""

import asyncio
from contextlib import suppress

import structlog
from prometheus_client import REGISTRY, Gauge

from core.kernel.clock import Clock
from core.kernel.signals import Signals
from core.messaging.outbox import Backlog

log = structlog.get_logger()
# Not registered before somebody has looked: a process that runs no relay would tell zeros.
EVENTS_WAITING = Gauge(
    "bursar_outbox_waiting", "Events that wait for the broker", registry=None, multiprocess_mode="livemax"
)
OLDEST_EVENT_SECONDS = Gauge(
    "bursar_outbox_oldest_seconds", "How long the first of them has waited", registry=None, multiprocess_mode="livemax"
)
AGGREGATES_BLOCKED = Gauge(
    "bursar_outbox_blocked_aggregates",
    "Aggregates whose next event the broker refuses",
    registry=None,
    multiprocess_mode="livemax",
)
SAMPLING_INTERVAL_SECONDS = 20.0
"""Seconds between looks: to count a million rows takes the database a tenth of a second."""


async def export_backlog(backlog: Backlog, clock: Clock, stop: asyncio.Event) -> None:
    """Keep the gauges up to date until `stop` is set."""
    while not stop.is_set():
        try:
            state = await backlog.look()
        except Exception as error:  # a defect, too, must not end the process that relays
            log.warning("backlog_query_failed", error=repr(error))
        else:
            EVENTS_WAITING.set(state.waiting)
            OLDEST_EVENT_SECONDS.set((clock.now() - state.oldest).total_seconds() if state.oldest else 0)
            AGGREGATES_BLOCKED.set(len(state.blocked))
            tell(EVENTS_WAITING, OLDEST_EVENT_SECONDS, AGGREGATES_BLOCKED)
        await Signals.wait(stop, SAMPLING_INTERVAL_SECONDS)


def tell(*gauges: Gauge) -> None:
    """Let gauges be read from now on."""
    for gauge in gauges:
        with suppress(ValueError):  # it can be read already
            REGISTRY.register(gauge)
