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
from core.shared.errors import Conflict
from entrypoints.cli.desk import listen_for_the_end
from tests.chaos.events import Ticked
from tests.chaos.orders import Order

log = structlog.get_logger()
AGGREGATES = 30
MOST_AT_ONCE = 3
LONGEST_PAUSE = 1.5


def run(order: Order) -> None:
    """Tick until told to stop."""
    uvloop.run(tick(order))


async def tick(order: Order) -> None:
    """Let every aggregate tick by itself."""
    stop = listen_for_the_end()
    async with running(Application(settings=check(order.settings, order.name))) as application:
        await asyncio.gather(*(tick_one(application.driven.new_work, stop) for _ in range(AGGREGATES)))


async def tick_one(new_work: Any, stop: asyncio.Event) -> None:
    """Record one to three events at a time, until they are known to be stored."""
    aggregate, version = uuid.uuid4(), 0
    while not stop.is_set():
        last = version + random.randint(1, MOST_AT_ONCE)
        while not await recorded(new_work, aggregate, range(version + 1, last + 1)):
            await asyncio.sleep(0.2)
        version = last
        await asyncio.sleep(random.random() * LONGEST_PAUSE)


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
