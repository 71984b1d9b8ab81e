"""Aggregates with many events, for the check of their order."""

import asyncio
import random
import uuid
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
import uvloop

from config.container import Application, running
from config.settings_file import validate
from core.kernel.errors import Conflict
from entrypoints.cli.command_runner import stop_on_signals
from tests.chaos.events import Ticked
from tests.chaos.orders import Order
from tests.units_of_work import any_work

log = structlog.get_logger()
AGGREGATE_COUNT = 30
MAX_EVENTS_PER_COMMIT = 3
MAX_PAUSE_SECONDS = 1.5


def run(order: Order) -> None:
    """Record events until `stop` is set."""
    uvloop.run(tick(order))


async def tick(order: Order) -> None:
    """Record events of each aggregate concurrently."""
    stop = stop_on_signals()
    async with running(Application(settings=validate(order.settings, order.name))) as application:
        await asyncio.gather(*(tick_one(partial(any_work, application), stop) for _ in range(AGGREGATE_COUNT)))


async def tick_one(new_work: Any, stop: asyncio.Event) -> None:
    """Record one to three events at a time, and repeat until they are known to be stored."""
    aggregate, version = uuid.uuid4(), 0
    while not stop.is_set():
        last = version + random.randint(1, MAX_EVENTS_PER_COMMIT)
        while not await recorded(new_work, aggregate, range(version + 1, last + 1)):
            await asyncio.sleep(0.2)
        version = last
        await asyncio.sleep(random.random() * MAX_PAUSE_SECONDS)


async def recorded(new_work: Any, aggregate: uuid.UUID, versions: range) -> bool:
    """Return whether the events are stored; a conflict means that an earlier commit without a response stored them."""
    try:
        async with new_work() as work:
            work.record(*(Ticked(at=datetime.now(UTC), subject=aggregate, version=each) for each in versions))
            await work.commit()
    except Conflict:
        return True
    except Exception as error:
        log.warning("ticker_waits", error=repr(error))
        return False
    return True
