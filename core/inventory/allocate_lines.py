"""Allocate order lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.inventory import errors
from core.inventory.events import Queued
from core.inventory.order_line import AllocationRequest, OrderLine
from core.inventory.ports import InventoryWork, LineKey, NewInventoryWork
from core.inventory.queue import serve
from core.inventory.sku import Sku, SkuId
from core.shared.clock import Clock
from core.shared.errors import CoreError
from core.shared.ids import Ids
from core.shared.trace import tracing


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
            held = await work.skus.hold({each.wish.sku for each in requests})
            await work.order_lines.fetch(held.values(), {LineKey(each.wish.sku, each.wish.order) for each in requests})
            for sku in held.values():
                work.record(*await serve(sku, work.order_lines, now))
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
        wish, sku = request.wish, skus.get(request.wish.sku)
        if sku is None and wish.wait:
            sku = Sku(id=SkuId(self.ids.new()), name=wish.sku)
        if sku is None:
            return errors.UnknownSku(f"nothing of sku {wish.sku} was ever bought", at="$.sku")
        with tracing(request.request.trace):
            try:
                line, events = sku.allocate(request, now)
            except errors.OutOfStock as refusal:
                work.record(*sku.run_short(wish.order, wish.quantity, now))
                return refusal
            except CoreError as refusal:
                return refusal
            skus[sku.name] = sku
            if any(isinstance(event, Queued) for event in events):
                events = [*events, *sku.run_short(wish.order, wish.quantity, now)]
            work.record(*events)
            if events:
                work.answer(request.request, line)
        return Allocation(line, new=bool(events))
