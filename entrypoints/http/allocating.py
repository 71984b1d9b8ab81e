"""Allocations that are asked for at the same moment are made together: one look at each sku, and one transaction.

A sku that somebody holds for too long gets a queue of its own until it is free: nobody waits for what he does not want.
"""

import asyncio
from collections.abc import Sequence

from core.inventory.allocate_lines import AllocateLines, Allocation
from core.inventory.order_line import AllocationRequest
from core.shared.batches import Batches, Waiting
from core.shared.errors import CoreError, GaveWay, InUse, Unavailable

Asked = Waiting[AllocationRequest, Allocation]
BESIDE = 4
"""Skus that are waited for at a time: others need connections, too."""


class Together:
    """Allocates one line, in the company of all who wait."""

    def __init__(self, allocate: AllocateLines) -> None:
        self._allocate = allocate
        self._all = Batches[AllocationRequest, Allocation](self._work)
        self._apart: dict[str, Batches[AllocationRequest, Allocation]] = {}
        self._places = asyncio.Semaphore(BESIDE)

    async def __call__(self, request: AllocationRequest) -> Allocation:
        """Return the line; raise what keeps it from being allocated."""
        if request.wish.sku not in self._apart:
            try:
                return await self._all(request)
            except InUse:
                self._apart.setdefault(request.wish.sku, Batches(self._wait))
        return await self._apart.get(request.wish.sku, self._all)(request)

    async def _wait(self, batch: Sequence[Asked]) -> None:
        """Work for those who want a sku that may be held; when it is not, they are no longer apart."""
        async with self._places:
            await self._work(batch)
        self._apart.pop(batch[0].item.wish.sku, None)

    async def _work(self, batch: Sequence[Asked]) -> None:
        try:
            outcomes = await self._allocate([each.item for each in batch])
        except Exception as failure:
            if isinstance(failure, Unavailable) and not isinstance(failure, GaveWay):
                raise
            # A key was used before, or others hold these skus in another order: taken apart, only the guilty wait.
            if len(batch) == 1:
                batch[0].fail(failure)
            else:
                await self._work(batch[: len(batch) // 2])
                await self._work(batch[len(batch) // 2 :])
        else:
            for each, outcome in zip(batch, outcomes, strict=True):
                each.fail(outcome) if isinstance(outcome, CoreError) else each.end(outcome)
