from contextlib import suppress
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.messaging.outbox import MemoryOutbox
from core.kernel.errors import Unavailable
from core.messaging.outbox import Backlog, OutboxState, PublishFailure
from entrypoints.scheduler.backlog_metrics import (
    AGGREGATES_BLOCKED,
    EVENTS_WAITING,
    OLDEST_EVENT_SECONDS,
    measure_backlog,
)
from entrypoints.scheduler.office_figures import DEAD_LETTERS, measure_dead_letters
from tests.examples import StoppedClock, a_message


@pytest.fixture(autouse=True)
def reset_backlog_gauges() -> None:
    for each in (EVENTS_WAITING, OLDEST_EVENT_SECONDS, AGGREGATES_BLOCKED, DEAD_LETTERS):
        with suppress(KeyError):
            REGISTRY.unregister(each)


def gauge(name: str) -> float | None:
    return REGISTRY.get_sample_value(f"bursar_outbox_{name}")


async def test_the_gauges_show_waiting_events_their_age_and_blocked_aggregates() -> None:
    store, clock = MemoryDatabase(), StoppedClock()
    store.outbox = {1: a_message(), 2: a_message()}
    outbox = MemoryOutbox(store, clock)
    first, _ = await outbox.unpublished(10)
    await outbox.block([PublishFailure(first, "too large")])
    clock.pass_by(timedelta(seconds=90))

    await measure_backlog(outbox, clock)
    assert (gauge("waiting"), gauge("oldest_seconds"), gauge("blocked_aggregates")) == (2, 90, 1)

    store.outbox.clear()
    await measure_backlog(outbox, clock)
    assert (gauge("waiting"), gauge("oldest_seconds")) == (0, 0)


async def test_a_failed_measurement_sets_no_gauge() -> None:
    class Away(Backlog):
        async def snapshot(self) -> OutboxState:
            raise Unavailable("away")

        async def buried(self) -> int:
            raise Unavailable("away")

    for measure in (measure_backlog(Away(), StoppedClock()), measure_dead_letters(Away())):
        with pytest.raises(Unavailable):
            await measure
    assert (gauge("waiting"), gauge("oldest_seconds"), gauge("blocked_aggregates")) == (None, None, None)
    assert REGISTRY.get_sample_value("bursar_dead_letters") is None
