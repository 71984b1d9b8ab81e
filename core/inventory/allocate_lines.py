"""Allocate order lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.inventory import errors
from core.inventory.backorders import allocate_backorders
from core.inventory.events import Queued
from core.inventory.order_line import AllocationRequest, OrderLine
from core.inventory.ports import InventoryWork, LineKey, NewInventoryWork
from core.inventory.sku import Sku, SkuId
from core.kernel.authorization import Permission, acting_as, requires
from core.kernel.clock import Clock
from core.kernel.errors import CoreError
from core.kernel.ids import Ids
from core.kernel.trace import tracing


@dataclass(frozen=True, slots=True)
class Allocation:
    """The line that a request refers to."""

    line: OrderLine
    new: bool
    """Whether this request created or changed the line; otherwise the line is returned as it was."""


@requires(Permission.STOCK_WRITE)
@dataclass(frozen=True, slots=True)
class AllocateLines:
    """Allocate several order lines in one transaction, in the order of the requests."""

    new_work: NewInventoryWork
    clock: Clock
    ids: Ids

    async def __call__(self, requests: Sequence[AllocationRequest]) -> Sequence[Allocation | CoreError]:
        """Return for each request its line, or its refusal: what `Sku.allocate` raises, or `UnknownSku`.

        Raises what fails the whole transaction, for example `RequestRepeated`: the caller retries each request alone.
        """
        try:
            return await self._allocate(requests)
        except errors.ChangedMeanwhile:  # a concurrent request created the same sku: now its row can be locked
            return await self._allocate(requests)

    async def _allocate(self, requests: Sequence[AllocationRequest]) -> Sequence[Allocation | CoreError]:
        now = self.clock.now()
        async with self.new_work() as work:
            locked = await work.skus.lock({each.demand.sku for each in requests})
            await work.order_lines.load(
                locked.values(), {LineKey(each.demand.sku, each.demand.order) for each in requests}
            )
            for sku in locked.values():
                work.record(*await allocate_backorders(sku, work.order_lines, now))
            skus = {**locked}
            outcomes = [self._allocate_line(work, skus, each, now) for each in requests]
            for name in sorted(skus):  # new rows in one order, so that concurrent transactions do not deadlock
                if name not in locked:
                    work.skus.add(skus[name])
                work.skus.save(skus[name])
            await work.commit()
        return outcomes

    def _allocate_line(
        self, work: InventoryWork, skus: dict[str, Sku], request: AllocationRequest, now: datetime
    ) -> Allocation | CoreError:
        demand, sku = request.demand, skus.get(request.demand.sku)
        if sku is None and demand.wait:
            sku = Sku(id=SkuId(self.ids.new()), name=demand.sku)
        if sku is None:
            return errors.UnknownSku.named(demand.sku, at="$.sku")
        with tracing(request.context.trace), acting_as(request.context.principal):
            try:
                line, events = sku.allocate(request, now)
            except errors.OutOfStock as refusal:
                work.record(*sku.begin_shortage(demand.order, demand.quantity, now))
                return refusal
            except CoreError as refusal:
                return refusal
            skus[sku.name] = sku
            if any(isinstance(event, Queued) for event in events):
                events = [*events, *sku.begin_shortage(demand.order, demand.quantity, now)]
            work.record(*events)
            if events:
                work.record_answer(request.context, line)
        return Allocation(line, new=bool(events))
