"""Expire holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from core.inventory.backorders import allocate_backorders
from core.inventory.events import DeallocationReason
from core.inventory.order_line import LineState
from core.inventory.ports import InventoryBacklog, LineKey, NewInventoryWork
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock

MAX_HOLDS_PER_QUERY = 500


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class ExpireHolds:
    """Deallocate the lines whose hold has ended, and allocate their pieces to backorders in the same transaction."""

    new_work: NewInventoryWork
    inventory_backlog: InventoryBacklog
    clock: Clock

    async def __call__(self) -> Mapping[str, int]:
        """Return the number of lines that expired, and of backordered lines that were allocated."""
        expired = served = 0
        while keys := sorted(await self.inventory_backlog.expired_holds(self.clock.now(), MAX_HOLDS_PER_QUERY)):
            for sku, group in groupby(keys, key=lambda key: key.sku):
                ended, allocated = await self._expire(sku, list(group))
                expired, served = expired + ended, served + allocated
        return {"expired": expired, "served": served}

    async def _expire(self, name: str, keys: list[LineKey]) -> tuple[int, int]:
        now = self.clock.now()
        async with self.new_work() as work:
            sku = (await work.skus.lock([name], include_depleted=True))[name]
            await work.order_lines.load([sku], keys)
            ended = [line.order for line in sku.lines.values() if is_expired(line.state, line.hold_until, now)]
            expired = [sku.deallocate(order, DeallocationReason.EXPIRED, now) for order in ended]
            served = await allocate_backorders(sku, work.order_lines, now)
            work.skus.save(sku)
            work.record(*expired, *served)
            await work.commit()
        return len(expired), len(served)


def is_expired(state: LineState, until: datetime | None, now: datetime) -> bool:
    """Return whether an allocated or waiting line has reached the end of its hold."""
    return state in (LineState.ALLOCATED, LineState.WAITING) and until is not None and until <= now
