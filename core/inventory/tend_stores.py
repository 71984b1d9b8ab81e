"""Tend the stores."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from core.inventory.backorders import serve_backorders
from core.inventory.events import DeallocationReason
from core.inventory.order_line import LineState
from core.inventory.ports import Chores, LineKey, NewInventoryWork
from core.kernel.clock import Clock

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class TendStores:
    """Do what nobody asks for: end reservations whose time is over, and go on serving a long queue."""

    new_work: NewInventoryWork
    chores: Chores
    clock: Clock

    async def __call__(self) -> Mapping[str, int]:
        """Return how many lines expired, and how many got pieces."""
        expired = served = 0
        while found := sorted(await self.chores.expired(self.clock.now(), AT_ONCE)):
            for sku, keys in groupby(found, key=lambda key: key.sku):
                gone, got = await self._tend(sku, list(keys), self.clock.now())
                expired, served = expired + gone, served + got
        while names := await self.chores.unserved(AT_ONCE):
            for name in names:
                served += (await self._tend(name, [], self.clock.now()))[1]
        return {"expired": expired, "served": served}

    async def _tend(self, name: str, keys: list[LineKey], now: datetime) -> tuple[int, int]:
        async with self.new_work() as work:
            sku = (await work.skus.hold([name], whole=True))[name]
            await work.order_lines.fetch([sku], keys)
            over = [line for line in sku.lines.values() if is_expired(line.state, line.hold_until, now)]
            expired = [sku.deallocate(line.order, DeallocationReason.EXPIRED, now) for line in over]
            served = await serve_backorders(sku, work.order_lines, now)
            work.skus.save(sku)
            work.record(*expired, *served)
            await work.commit()
        return len(expired), len(served)


def is_expired(state: LineState, until: datetime | None, now: datetime) -> bool:
    """Tell whether a reservation has come to its end."""
    return state in (LineState.ALLOCATED, LineState.WAITING) and until is not None and until <= now
