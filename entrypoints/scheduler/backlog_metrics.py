"""Metrics of the outbox: events that wait, their age, and blocked aggregates."""

from prometheus_client import Gauge

from core.kernel.clock import Clock
from core.messaging.outbox import MAX_COUNTED_EVENTS, Backlog
from entrypoints.scheduler.office_figures import export

# Registered with the first measurement: a process that does not measure would export zeros.
EVENTS_WAITING = Gauge(
    "bursar_outbox_waiting",
    f"Events that wait for the broker, {MAX_COUNTED_EVENTS} at most",
    registry=None,
    multiprocess_mode="livemax",
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


async def measure_backlog(backlog: Backlog, clock: Clock) -> None:
    """Set the gauges; the first time, also register them for export."""
    state = await backlog.snapshot()
    EVENTS_WAITING.set(state.waiting)
    OLDEST_EVENT_SECONDS.set((clock.now() - state.oldest).total_seconds() if state.oldest else 0)
    AGGREGATES_BLOCKED.set(len(state.blocked))
    for gauge in (EVENTS_WAITING, OLDEST_EVENT_SECONDS, AGGREGATES_BLOCKED):
        export(gauge)
