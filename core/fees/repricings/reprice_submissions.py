"""Reprice submissions."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from core.fees.ports import NewFeesUnitOfWork, RepricingRecords, ScheduleVersions
from core.fees.price_again import (
    FeeRepriced,
    PastSubmission,
    difference,
    figures_of,
    price_again,
)
from core.fees.repricing import IN_WORK, Repricing, RepricingState
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock

SUBMISSIONS_PER_BATCH, BATCHES_PER_RUN = 500, 20
PRICES_PER_TURN = 20
"""Other tasks of the process run after so many."""


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class RepriceSubmissions:
    """Count or tell the next differences, batch by batch; each batch is one transaction, which moves its repricing on.

    Several processes share the work: the row lock of the repricing gives each batch to one of them.
    """

    new_work: NewFeesUnitOfWork
    repricings: RepricingRecords
    versions: ScheduleVersions
    clock: Clock

    async def __call__(self) -> int:
        """Return how many submissions were looked at, also of other schedules; 0: there is nothing more to do."""
        taken = 0
        for each in await self.repricings.in_work():
            for _ in range(BATCHES_PER_RUN):
                some, more = await self._take_batch(each)
                taken += some
                if not more:
                    break
        return taken

    async def _take_batch(self, which: Repricing) -> tuple[int, bool]:
        """Return how many were looked at, and if the repricing is still in work."""
        async with self.new_work() as work:
            repricing = (await work.repricings.lock(which.schedule))[which.id]
            if repricing.state not in IN_WORK:
                return 0, False
            page = await self.repricings.past(repricing, SUBMISSIONS_PER_BATCH)
            differences = await self._price(page.items, repricing)
            if repricing.state is RepricingState.RUNNING:
                work.record(*differences)
            repricing.move_on(page.last)
            work.repricings.save(repricing)
            await work.commit()
        return page.looked_at, repricing.state in IN_WORK

    async def _price(self, items: Sequence[PastSubmission], repricing: Repricing) -> Sequence[FeeRepriced]:
        """Add submissions to the figures; return the differences."""
        differences, now = list[FeeRepriced](), self.clock.now()
        corrected = await self.versions.find(repricing.schedule, repricing.version)
        assert corrected is not None  # noqa: S101 - a version is published before its repricing, and never deleted
        for number, past in enumerate(items):
            if number % PRICES_PER_TURN == 0:
                await asyncio.sleep(0)
            own = await self.versions.find(repricing.schedule, past.submission.schedule_version)
            after = price_again(past, own, corrected)
            if after is None:
                repricing.leave(past.submission.reference)
                continue
            repricing.figures += figures_of(past.price, after)
            differences += difference(past, after, repricing, now)
        return differences
