"""Answer a command to the stores that cannot be followed."""

from dataclasses import dataclass
from uuid import UUID

from core.inventory.events import StockCommandRefused
from core.inventory.ports import NewInventoryWork
from core.kernel.clock import Clock
from core.kernel.errors import CoreError, problem_type
from core.kernel.ids import Ids


@dataclass(frozen=True, slots=True)
class RefuseStockCommand:
    """Tell whoever sent a command why it was refused."""

    new_work: NewInventoryWork
    clock: Clock
    ids: Ids

    async def __call__(self, command: UUID, refusal: CoreError) -> None:
        """Record the refusal."""
        async with self.new_work() as work:
            work.record(
                StockCommandRefused(
                    at=self.clock.now(),
                    subject=self.ids.new(),
                    version=1,
                    command=command,
                    problem=problem_type(type(refusal)),
                    detail=str(refusal),
                    field=refusal.at,
                )
            )
            await work.commit()
