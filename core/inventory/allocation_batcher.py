"""Batches concurrent allocations: requests that arrive at the same moment share one lock of each sku and one commit.

A sku that another transaction keeps locked gets a batcher of its own until it is free, so that requests for other skus
do not wait for it.
"""

import asyncio
from collections.abc import Sequence

from core.inventory.allocate_lines import AllocateLines, Allocation
from core.inventory.order_line import AllocationRequest
from core.kernel.authorization import SYSTEM, Permission, acting_as, current_principal
from core.kernel.batching import Batcher, PendingItem, isolate_failures
from core.kernel.errors import CoreError, GaveWay, InUse

PendingAllocation = PendingItem[AllocationRequest, Allocation]
MAX_CONTENDED_SKUS = 4
"""Locked skus that are waited for at a time; the remaining connections serve other requests."""


class AllocationBatcher:
    """Allocates single lines in batches."""

    def __init__(self, allocate: AllocateLines) -> None:
        self._allocate = allocate
        self._shared_batcher = Batcher[AllocationRequest, Allocation](self._allocate_batch)
        self._batcher_by_contended_sku: dict[str, Batcher[AllocationRequest, Allocation]] = {}
        self._contention_slots = asyncio.Semaphore(MAX_CONTENDED_SKUS)

    async def allocate(self, request: AllocationRequest) -> Allocation:
        """Return the line, or raise why it is not allocated."""
        try:
            current_principal.get().require(Permission.STOCK_WRITE)  # a batch has lines of several principals
        except CoreError:
            await self._allocate([request])  # refuses it, too, and records that
            raise
        if request.demand.sku not in self._batcher_by_contended_sku:
            try:
                return await self._shared_batcher(request)
            except InUse:
                self._batcher_by_contended_sku.setdefault(request.demand.sku, Batcher(self._allocate_contended))
        return await self._batcher_by_contended_sku.get(request.demand.sku, self._shared_batcher)(request)

    async def _allocate_contended(self, batch: Sequence[PendingAllocation]) -> None:
        """Allocate lines of a sku that may be locked; once it is free, the shared batcher takes over."""
        async with self._contention_slots:
            await self._allocate_batch(batch)
        self._batcher_by_contended_sku.pop(batch[0].item.demand.sku, None)

    async def _allocate_batch(self, batch: Sequence[PendingAllocation]) -> None:
        # A key was used before, or another transaction locks these skus in another order.
        await isolate_failures(batch, self._allocate_together, fail, isolated=(GaveWay,))

    async def _allocate_together(self, batch: Sequence[PendingAllocation]) -> None:
        with acting_as(SYSTEM):
            outcomes = await self._allocate([each.item for each in batch])
        for each, outcome in zip(batch, outcomes, strict=True):
            each.fail(outcome) if isinstance(outcome, CoreError) else each.resolve(outcome)


async def fail(pending: PendingAllocation, failure: Exception) -> None:
    """Raise the failure to the caller that awaits the line."""
    pending.fail(failure)
