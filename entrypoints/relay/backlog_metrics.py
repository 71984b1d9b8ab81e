"""Metrics of the outbox: events that wait, their age, and blocked aggregates."""

import asyncio
from contextlib import suppress
from functools import partial

from prometheus_client import REGISTRY, Gauge

from core.kernel.clock import Clock
from core.messaging.outbox import Backlog
from entrypoints.periodic import run_every

# Registered with the first measurement: a process that runs no relay would export zeros.
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
"""Counting a million rows takes the database a tenth of a second."""


async def export_backlog(backlog: Backlog, clock: Clock, stop: asyncio.Event) -> None:
    """Keep the gauges up to date until `stop` is set."""
    await run_every(SAMPLING_INTERVAL_SECONDS, "backlog_measured", partial(measure_backlog, backlog, clock), stop)


async def measure_backlog(backlog: Backlog, clock: Clock) -> None:
    """Set the gauges; the first time, also register them for export."""
    state = await backlog.snapshot()
    EVENTS_WAITING.set(state.waiting)
    OLDEST_EVENT_SECONDS.set((clock.now() - state.oldest).total_seconds() if state.oldest else 0)
    AGGREGATES_BLOCKED.set(len(state.blocked))
    for gauge in (EVENTS_WAITING, OLDEST_EVENT_SECONDS, AGGREGATES_BLOCKED):
        with suppress(ValueError):  # it is registered already
            REGISTRY.register(gauge)
