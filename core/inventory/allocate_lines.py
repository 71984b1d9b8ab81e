"""Allocate order lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.inventory import errors
from core.inventory.backorders import serve_backorders
from core.inventory.events import Queued
from core.inventory.order_line import AllocationRequest, OrderLine
from core.inventory.ports import InventoryWork, LineKey, NewInventoryWork
from core.inventory.sku import Sku, SkuId
from core.kernel.clock import Clock
from core.kernel.errors import CoreError
from core.kernel.ids import Ids
from core.kernel.trace import tracing


@dataclass(frozen=True, slots=True)
class Allocation:
    """A line that was asked for."""

    line: OrderLine
    new: bool
    """Whether it is there because of this request; otherwise it was there, and nothing happened."""


@dataclass(frozen=True, slots=True)
class AllocateLines:
    """Give order lines their pieces: those that are asked for at the same moment together, in their order."""

    new_work: NewInventoryWork
    clock: Clock
    ids: Ids

    async def __call__(self, requests: Sequence[AllocationRequest]) -> Sequence[Allocation | CoreError]:
        """Return for each request its line, or why there is none: what `Sku.allocate` raises, or `UnknownSku`.

        Raises what makes all of them fail, `RequestRepeated` among it: take them apart, then.
        """
        try:
            return await self._allocate(requests)
        except errors.ChangedMeanwhile:  # somebody asked first for a sku that nobody has bought: now it can be held
            return await self._allocate(requests)

    async def _allocate(self, requests: Sequence[AllocationRequest]) -> Sequence[Allocation | CoreError]:
        now = self.clock.now()
        async with self.new_work() as work:
            held = await work.skus.hold({each.demand.sku for each in requests})
            await work.order_lines.fetch(
                held.values(), {LineKey(each.demand.sku, each.demand.order) for each in requests}
            )
            for sku in held.values():
                work.record(*await serve_backorders(sku, work.order_lines, now))
            skus = {**held}
            outcomes = [self._one(work, skus, each, now) for each in requests]
            for name in sorted(skus):  # in one order: two who open several do not wait for each other
                if name not in held:
                    work.skus.add(skus[name])
                work.skus.save(skus[name])
            await work.commit()
        return outcomes

    def _one(
        self, work: InventoryWork, skus: dict[str, Sku], request: AllocationRequest, now: datetime
    ) -> Allocation | CoreError:
        demand, sku = request.demand, skus.get(request.demand.sku)
        if sku is None and demand.wait:
            sku = Sku(id=SkuId(self.ids.new()), name=demand.sku)
        if sku is None:
            return errors.UnknownSku(f"nothing of sku {demand.sku} was ever bought", at="$.sku")
        with tracing(request.request.trace):
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
                work.answer(request.request, line)
        return Allocation(line, new=bool(events))
