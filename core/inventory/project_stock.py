"""Project what happened in the stores."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.inventory.events import StockEvent
from core.inventory.ports import NewInventoryWork
from core.inventory.views import StockDelta


@dataclass(frozen=True, slots=True)
class ProjectStock:
    """Bring the views up to events; those that came before, or come in another order, change nothing."""

    new_work: NewInventoryWork

    async def __call__(self, events: Sequence[StockEvent], only: int | None = None) -> None:
        """Return when they are in every generation that is read or being built, or `only` in one."""
        delta = StockDelta.of(events)
        async with self.new_work() as work:
            for generation in await work.stock_projection.generations() if only is None else (only,):
                work.stock_projection.put(generation, delta)
            await work.commit()
