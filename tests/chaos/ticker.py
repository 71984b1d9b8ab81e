"""Aggregates with many events, so that there is an order to keep."""

import asyncio
import random
import uuid
from datetime import UTC, datetime
from typing import Any

import structlog
import uvloop

from config.container import Application, running
from config.settings import check
from core.kernel.errors import Conflict
from entrypoints.cli.command_runner import stop_on_signals
from tests.chaos.events import Ticked
from tests.chaos.orders import Order

log = structlog.get_logger()
AGGREGATE_COUNT = 30
MAX_EVENTS_PER_COMMIT = 3
MAX_PAUSE_SECONDS = 1.5


def run(order: Order) -> None:
    """Tick until told to stop."""
    uvloop.run(tick(order))


async def tick(order: Order) -> None:
    """Let every aggregate tick by itself."""
    stop = stop_on_signals()
    async with running(Application(settings=check(order.settings, order.name))) as application:
        await asyncio.gather(*(tick_one(application.driven.new_work, stop) for _ in range(AGGREGATE_COUNT)))


async def tick_one(new_work: Any, stop: asyncio.Event) -> None:
    """Record one to three events at a time, until they are known to be stored."""
    aggregate, version = uuid.uuid4(), 0
    while not stop.is_set():
        last = version + random.randint(1, MAX_EVENTS_PER_COMMIT)
        while not await recorded(new_work, aggregate, range(version + 1, last + 1)):
            await asyncio.sleep(0.2)
        version = last
        await asyncio.sleep(random.random() * MAX_PAUSE_SECONDS)


async def recorded(new_work: Any, aggregate: uuid.UUID, versions: range) -> bool:
    """Tell whether these events are stored now; a conflict says that an unanswered commit has stored them."""
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
