"""Allocations that are asked for at the same moment are made together: one look at each sku, and one transaction."""

from collections.abc import Sequence

from core.inventory.allocate_lines import AllocateLines, Allocation
from core.inventory.order_line import AllocationRequest
from core.shared.batches import Batches, Waiting
from core.shared.errors import CoreError, GaveWay, Unavailable

Asked = Waiting[AllocationRequest, Allocation]


def together(allocate: AllocateLines) -> Batches[AllocationRequest, Allocation]:
    """Return what allocates one line, in the company of all who wait."""

    async def work(batch: Sequence[Asked]) -> None:
        try:
            outcomes = await allocate([each.item for each in batch])
        except Exception as failure:
            if isinstance(failure, Unavailable) and not isinstance(failure, GaveWay):
                raise
            # A key was used before, or others hold these skus in another order: taken apart, only the guilty wait.
            if len(batch) == 1:
                batch[0].fail(failure)
            else:
                await work(batch[: len(batch) // 2])
                await work(batch[len(batch) // 2 :])
        else:
            for each, outcome in zip(batch, outcomes, strict=True):
                each.fail(outcome) if isinstance(outcome, CoreError) else each.end(outcome)

    return Batches(work)
