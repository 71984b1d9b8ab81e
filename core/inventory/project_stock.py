"""Project stock events."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.inventory.events import StockEvent
from core.inventory.ports import NewInventoryWork
from core.inventory.views import StockDelta
from core.kernel.authorization import Permission, requires


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class ProjectStock:
    """Apply events to the projection; repeated and late events change nothing."""

    new_work: NewInventoryWork

    async def __call__(self, events: Sequence[StockEvent], only_generation: int | None = None) -> None:
        """Apply the events to each generation that is read or being built, or to `only_generation`."""
        delta = StockDelta.of(events)
        async with self.new_work() as work:
            for generation in (
                await work.stock_projection.generations() if only_generation is None else (only_generation,)
            ):
                work.stock_projection.put(generation, delta)
            await work.commit()
