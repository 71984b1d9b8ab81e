"""Serve backorders."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.inventory.backorders import allocate_backorders
from core.inventory.ports import InventoryBacklog, NewInventoryWork
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock

MAX_SKUS_PER_QUERY = 500


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class ServeBackorders:
    """Continue queues of backorders that are longer than one transaction serves; a command serves the head."""

    new_work: NewInventoryWork
    inventory_backlog: InventoryBacklog
    clock: Clock

    async def __call__(self) -> Mapping[str, int]:
        """Return the number of backordered lines that were allocated."""
        served = 0
        while names := await self.inventory_backlog.unserved_skus(MAX_SKUS_PER_QUERY):
            for name in names:
                served += await self._serve(name)
        return {"served": served}

    async def _serve(self, name: str) -> int:
        async with self.new_work() as work:
            sku = (await work.skus.lock([name]))[name]
            served = await allocate_backorders(sku, work.order_lines, self.clock.now())
            work.skus.save(sku)
            work.record(*served)
            await work.commit()
        return len(served)
