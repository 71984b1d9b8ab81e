"""One process that allocates for some seconds, with locks or with versions; two of them contend.

python -m benchmarks.contention lock|versions TOGETHER SKUS SECONDS        the configuration is in the environment
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvloop

import config
from adapters.sql.engine.driver_errors import Locked
from adapters.sql.inventory.skus import ACTIVE, HAS_STOCK, SqlSkus
from adapters.sql.inventory.tables import skus
from adapters.sql.inventory.unit_of_work import SqlInventoryUnitOfWork
from config.container import Application, running
from config.settings_file import load
from core.inventory.allocate_lines import AllocateLines
from core.inventory.order_line import AllocationDemand, AllocationRequest
from core.inventory.sku import Sku
from core.kernel.authorization import SYSTEM, current_principal
from core.kernel.errors import Conflict
from core.kernel.idempotency import RequestContext

CLIENT_COUNT = 12
"""Concurrent allocations per process, at most the number of its connections."""
TRIES, PAUSE = 30, 0.02


class VersionedSkus(SqlSkus):
    """Skus without locks: the unique version of an event detects a concurrent change."""

    async def lock(self, names: Collection[str], *, include_depleted: bool = False) -> Mapping[str, Sku]:
        """Read skus without locking them."""
        return await self._locked(
            skus.select().where(skus.c.name.in_(names)), ACTIVE if include_depleted else HAS_STOCK
        )


class VersionedWork(SqlInventoryUnitOfWork):
    """A unit of work over `VersionedSkus`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.skus: VersionedSkus = VersionedSkus(self)


async def contend(how: str, together: int, number: int, seconds: float) -> Counter[str]:
    """Allocate one piece after another, and count the outcomes."""
    settings = load(Path(config.__file__).parent / "local.toml")
    seen, end = Counter[str](), time.monotonic() + seconds
    async with running(Application(settings=settings)) as application:
        clock, ids = application.process.clock(), application.process.ids()
        new_work: Any = application.inventory.new_work
        if how == "versions":
            new_work = partial(VersionedWork, application.storage.transactions(), clock, ids)
        allocate = AllocateLines(new_work, clock, ids)

        def wanted() -> AllocationRequest:
            sku = f"S{random.randrange(number)}"  # noqa: S311 - not a secret
            return AllocationRequest(
                AllocationDemand(order=uuid4().hex, sku=sku, quantity=1), RequestContext(arrived=clock.now())
            )

        async def client() -> None:
            while time.monotonic() < end:
                requests = [wanted() for _ in range(together)]
                for tried in range(TRIES):
                    try:
                        await allocate(requests)
                    except (Conflict, Locked) as error:
                        seen[type(error).__name__] += 1
                        await asyncio.sleep(random.uniform(0, PAUSE * min(tried + 1, 8)))  # noqa: S311 - not a secret
                    else:
                        seen["allocated"] += together
                        break
                else:
                    seen["given up"] += together

        await asyncio.gather(*(client() for _ in range(CLIENT_COUNT)))
    return seen


if __name__ == "__main__":
    how, together, number, seconds = sys.argv[1:]
    current_principal.set(SYSTEM)
    print(json.dumps(uvloop.run(contend(how, int(together), int(number), float(seconds)))))  # noqa: T201
