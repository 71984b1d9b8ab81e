"""Allocations that are asked for at the same moment are made together: one look at each sku, and one transaction.

A sku that somebody holds for too long gets a queue of its own until it is free: nobody waits for what he does not want.
"""

import asyncio
from collections.abc import Sequence

from core.inventory.allocate_lines import AllocateLines, Allocation
from core.inventory.order_line import AllocationRequest
from core.kernel.batching import Batcher, PendingItem
from core.kernel.errors import CoreError, GaveWay, InUse, Unavailable

PendingAllocation = PendingItem[AllocationRequest, Allocation]
MAX_CONTENDED_SKUS = 4
"""Skus that are waited for at a time: others need connections, too."""


class AllocationBatcher:
    """Allocates one line, in the company of all who wait."""

    def __init__(self, allocate: AllocateLines) -> None:
        self._allocate = allocate
        self._shared_batcher = Batcher[AllocationRequest, Allocation](self._allocate_batch)
        self._batcher_by_contended_sku: dict[str, Batcher[AllocationRequest, Allocation]] = {}
        self._contention_slots = asyncio.Semaphore(MAX_CONTENDED_SKUS)

    async def __call__(self, request: AllocationRequest) -> Allocation:
        """Return the line; raise what keeps it from being allocated."""
        if request.demand.sku not in self._batcher_by_contended_sku:
            try:
                return await self._shared_batcher(request)
            except InUse:
                self._batcher_by_contended_sku.setdefault(request.demand.sku, Batcher(self._allocate_contended))
        return await self._batcher_by_contended_sku.get(request.demand.sku, self._shared_batcher)(request)

    async def _allocate_contended(self, batch: Sequence[PendingAllocation]) -> None:
        """Work for those who want a sku that may be held; when it is not, they are no longer apart."""
        async with self._contention_slots:
            await self._allocate_batch(batch)
        self._batcher_by_contended_sku.pop(batch[0].item.demand.sku, None)

    async def _allocate_batch(self, batch: Sequence[PendingAllocation]) -> None:
        try:
            outcomes = await self._allocate([each.item for each in batch])
        except Exception as failure:
            if isinstance(failure, Unavailable) and not isinstance(failure, GaveWay):
                raise
            # A key was used before, or others hold these skus in another order: taken apart, only the guilty wait.
            if len(batch) == 1:
                batch[0].fail(failure)
            else:
                await self._allocate_batch(batch[: len(batch) // 2])
                await self._allocate_batch(batch[len(batch) // 2 :])
        else:
            for each, outcome in zip(batch, outcomes, strict=True):
                each.fail(outcome) if isinstance(outcome, CoreError) else each.end(outcome)
