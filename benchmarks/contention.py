"""One process that allocates for some seconds, under a lock or by versions: two of them contend.

python -m benchmarks.contention lock|versions TOGETHER SKUS SECONDS        the configuration comes by the environment
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
from adapters.sql.database import Locked
from adapters.sql.inventory import ALIVE, LEFT, SqlSkus
from adapters.sql.tables import skus
from adapters.sql.unit_of_work import SqlUnitOfWork
from config.container import Application, running
from config.settings import load
from core.inventory.allocate_lines import AllocateLines
from core.inventory.order_line import AllocationDemand, AllocationRequest
from core.inventory.sku import Sku
from core.kernel.errors import Conflict
from core.kernel.idempotency import RequestContext

CLIENT_COUNT = 12
"""Who ask at the same time in each process; no more than it has connections."""
TRIES, PAUSE = 30, 0.02


class VersionedSkus(SqlSkus):
    """Skus that nobody holds: who was second is told by the version of his first event, which is taken."""

    async def hold(self, names: Collection[str], *, whole: bool = False) -> Mapping[str, Sku]:
        """Look, and keep nobody from changing what we saw."""
        return await self._locked(skus.select().where(skus.c.name.in_(names)), ALIVE if whole else LEFT)


class VersionedWork(SqlUnitOfWork):
    """A unit of work over them."""

    async def __aenter__(self) -> "VersionedWork":
        await super().__aenter__()
        self.skus = VersionedSkus(self._insert, self._change, self.skus._connect)  # noqa: SLF001 - we replace one of its parts
        return self


async def contend(how: str, together: int, number: int, seconds: float) -> Counter[str]:
    """Allocate one piece after another, and count what came of it."""
    settings = load(Path(config.__file__).parent / "local.toml")
    seen, end = Counter[str](), time.monotonic() + seconds
    async with running(Application(settings=settings)) as application:
        driven: Any = application.driven
        new_work = driven.new_work
        if how == "versions":
            begin, form = driven.transactions().begin, driven.schedule_format()
            new_work = partial(VersionedWork, begin, form, driven.clock(), driven.ids())
        allocate = AllocateLines(new_work, driven.clock(), driven.ids())

        def wanted() -> AllocationRequest:
            sku = f"S{random.randrange(number)}"  # noqa: S311 - no secret
            return AllocationRequest(
                AllocationDemand(order=uuid4().hex, sku=sku, quantity=1), RequestContext(arrived=driven.clock().now())
            )

        async def client() -> None:
            while time.monotonic() < end:
                wishes = [wanted() for _ in range(together)]
                for tried in range(TRIES):
                    try:
                        await allocate(wishes)
                    except (Conflict, Locked) as error:
                        seen[type(error).__name__] += 1
                        await asyncio.sleep(random.uniform(0, PAUSE * min(tried + 1, 8)))  # noqa: S311 - no secret
                    else:
                        seen["allocated"] += together
                        break
                else:
                    seen["given up"] += together

        await asyncio.gather(*(client() for _ in range(CLIENT_COUNT)))
    return seen


if __name__ == "__main__":
    how, together, number, seconds = sys.argv[1:]
    print(json.dumps(uvloop.run(contend(how, int(together), int(number), float(seconds)))))  # noqa: T201
