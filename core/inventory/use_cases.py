"""What the inventory context can do."""

from dataclasses import dataclass, field

from core.inventory.allocate_lines import AllocateLines
from core.inventory.allocation_batcher import AllocationBatcher
from core.inventory.cancel_order import CancelOrder
from core.inventory.change_arrival import ChangeArrival
from core.inventory.change_batch_quantity import ChangeBatchQuantity
from core.inventory.create_batch import CreateBatch
from core.inventory.deallocate_line import DeallocateLine
from core.inventory.expire_holds import ExpireHolds
from core.inventory.project_stock import ProjectStock
from core.inventory.serve_backorders import ServeBackorders
from core.inventory.ship_order import ShipOrder
from core.inventory.show_allocations import ShowAllocations
from core.inventory.show_availability import ShowAvailability
from core.inventory.show_batch import ShowBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryUseCases:
    """Batches, allocations, and the views of them."""

    create_batch: CreateBatch
    change_batch_quantity: ChangeBatchQuantity
    change_arrival: ChangeArrival
    allocate_lines: AllocateLines
    allocation_batcher: AllocationBatcher = field(init=False)
    """The same for single lines: those that arrive at the same moment share a transaction."""
    deallocate_line: DeallocateLine
    cancel_order: CancelOrder
    ship_order: ShipOrder
    expire_holds: ExpireHolds
    serve_backorders: ServeBackorders
    project_stock: ProjectStock
    show_allocations: ShowAllocations
    show_availability: ShowAvailability
    show_batch: ShowBatch

    def __post_init__(self) -> None:
        object.__setattr__(self, "allocation_batcher", AllocationBatcher(self.allocate_lines))
