import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.messaging.outbox import MemoryOutbox
from core.kernel.errors import Unavailable
from core.messaging.outbox import Backlog, OutboxState, PublishFailure
from entrypoints.relay.backlog_metrics import AGGREGATES_BLOCKED, EVENTS_WAITING, OLDEST_EVENT_SECONDS, export_backlog
from tests.examples import StoppedClock, a_message


@pytest.fixture(autouse=True)
def reset_backlog_gauges() -> None:
    for each in (EVENTS_WAITING, OLDEST_EVENT_SECONDS, AGGREGATES_BLOCKED):
        with suppress(KeyError):
            REGISTRY.unregister(each)


def gauge(name: str) -> float | None:
    return REGISTRY.get_sample_value(f"bursar_outbox_{name}")


async def export_once(backlog: Backlog, clock: StoppedClock) -> None:
    """Export the gauges once."""
    stop = asyncio.Event()
    watching = asyncio.create_task(export_backlog(backlog, clock, stop))
    await asyncio.sleep(0)
    stop.set()
    await watching


async def test_the_gauges_show_waiting_events_their_age_and_blocked_aggregates() -> None:
    store, clock = MemoryDatabase(), StoppedClock()
    store.outbox = {1: a_message(), 2: a_message()}
    outbox = MemoryOutbox(store, clock)
    first, _ = await outbox.unpublished(10)
    await outbox.block([PublishFailure(first, "too large")])
    clock.pass_by(timedelta(seconds=90))

    await export_once(outbox, clock)
    assert (gauge("waiting"), gauge("oldest_seconds"), gauge("blocked_aggregates")) == (2, 90, 1)

    store.outbox.clear()
    await export_once(outbox, clock)
    assert (gauge("waiting"), gauge("oldest_seconds")) == (0, 0)


@pytest.mark.parametrize("error", [Unavailable("away"), ValueError("a defect")])
async def test_a_failed_backlog_probe_continues_and_sets_no_gauge(error: Exception) -> None:
    class Away(Backlog):
        async def snapshot(self) -> OutboxState:
            raise error

    await export_once(Away(), StoppedClock())
    assert (gauge("waiting"), gauge("oldest_seconds"), gauge("blocked_aggregates")) == (None, None, None)
