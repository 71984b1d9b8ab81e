"""The sku aggregate: its batches, its order lines, and the allocation rules."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, NewType, TypeVar
from uuid import UUID

from core.inventory import errors
from core.inventory.batch import Batch
from core.inventory.batch_selection import MAX_BATCHES_EXPLAINED, BatchSelection
from core.inventory.events import (
    Allocated,
    ArrivalChanged,
    BatchCreated,
    BatchQuantityChanged,
    Deallocated,
    DeallocationReason,
    HoldMoved,
    Queued,
    Shipped,
    StockEvent,
    StockRanOut,
)
from core.inventory.order_line import AllocationDemand, AllocationRequest, LineState, OrderLine
from core.inventory.sku_stock import SkuStock

SkuId = NewType("SkuId", UUID)
StockEventT = TypeVar("StockEventT", bound=StockEvent)
STATE_AFTER_DEALLOCATION = {
    DeallocationReason.DEALLOCATED: LineState.DEALLOCATED,
    DeallocationReason.CANCELLED: LineState.CANCELLED,
    DeallocationReason.EXPIRED: LineState.EXPIRED,
    DeallocationReason.REDUCED: LineState.WAITING,
}
EXPLANATION_BY_REASON = {DeallocationReason.REDUCED: "its batch became too small"}


@dataclass(slots=True, kw_only=True, eq=False)
class Sku:
    """The aggregate; its row is locked while a unit of work changes it.

    A sku may have millions of lines, so `lines` contains only those that a command loaded.  A method that raises has
    changed nothing.
    """

    id: SkuId
    name: str
    version: int = 0
    """The number of its events."""
    waiting: int = 0
    """The number of its backorders."""
    short: bool = False
    """Whether a shortage was recorded; a purchase ends it."""
    unserved: bool = False
    """Whether pieces became available that backorders were not offered; new lines cannot take them before that."""
    stock: SkuStock = field(default_factory=SkuStock)
    lines: dict[str, OrderLine] = field(default_factory=dict)
    """The loaded lines by order."""
    changed_lines: set[str] = field(default_factory=set)
    deallocated_batches_by_order: dict[str, set[str]] = field(default_factory=dict)
    """The references of batches to which pieces of an order returned in this unit of work."""

    def create_batch(self, reference: str, quantity: int, eta: date | None, at: datetime) -> BatchCreated:
        """Add a new batch."""
        batch = Batch(reference=reference, purchased=quantity, eta=eta, number=self.version + 1)
        self.stock.add(batch)
        self._mark_replenished()
        return self._record_event(BatchCreated, at, batch=batch)

    def allocate(self, request: AllocationRequest, at: datetime) -> tuple[OrderLine, Sequence[StockEvent]]:
        """Allocate or backorder a line; an active line with the same quantity is returned as it is.

        Raises `LineAlreadyAllocated`, `HoldInThePast` or `OutOfStock`.
        """
        demand, known = request.demand, self.lines.get(request.demand.order)
        if known is not None and (known.is_active or request.once):
            return self._reallocate_idempotently(known, request, at)
        request.check_hold_until()
        selection = None if self.unserved else self.stock.select_batches(demand.quantity, split=demand.split)
        if selection is None and not demand.wait:
            most = self.stock.splittable_available if demand.split else self.stock.largest_available
            raise errors.OutOfStock(self._shortage_reason(demand), facts={"available": str(most)})
        line = OrderLine.from_demand(demand, self.version + 1, at)
        event = self._allocate_selection(line, selection, at) if selection else self._backorder(line, at)
        return self.lines[demand.order], [event]

    def begin_shortage(self, order: str, quantity: int, at: datetime) -> Sequence[StockEvent]:
        """Return a `StockRanOut` event unless the shortage was recorded before."""
        if self.short:
            return []
        self.short = True
        facts: dict[str, Any] = {"available": self.stock.largest_available, "waiting": self.waiting}
        return [self._record_event(StockRanOut, at, order=order, quantity=quantity, **facts)]

    def deallocate(self, order: str, reason: DeallocationReason, at: datetime) -> Deallocated:
        """End an allocation or a backorder; raise `UnknownOrderLine` or `AlreadyShipped`."""
        line = self._active_line(order)
        if line.state is LineState.SHIPPED:
            raise errors.AlreadyShipped(
                f"order {order} was shipped: its {line.quantity} {self.name} cannot be deallocated"
            )
        returned = self.stock.deallocate(line.parts)
        self.deallocated_batches_by_order.setdefault(order, set()).update(part.batch for part in line.parts)
        self.waiting -= line.state is LineState.WAITING
        self.waiting += reason is DeallocationReason.REDUCED
        self.unserved = self.unserved or (self.waiting > 0 and bool(returned))
        changed = self._track_change(
            replace(
                line,
                state=STATE_AFTER_DEALLOCATION[reason],
                hold_until=line.hold_until if reason is DeallocationReason.REDUCED else None,
                parts=(),
                passed_over=(),
                why=EXPLANATION_BY_REASON.get(reason, ""),
            )
        )
        return self._record_event(Deallocated, at, line=changed, batches=returned, reason=reason)

    def ship(self, order: str, at: datetime) -> Shipped:
        """Ship an allocated line; raise `UnknownOrderLine`, `AlreadyShipped` or `LineWaits`."""
        line = self._active_line(order)
        if line.state is LineState.SHIPPED:
            raise errors.AlreadyShipped(f"the {line.quantity} {self.name} of order {order} were shipped before")
        if line.state is LineState.WAITING:
            raise errors.LineWaits(
                f"order {order} waits for {line.quantity} {self.name}: a backorder cannot be shipped"
            )
        shipped = self.stock.ship(line.parts)
        changed = self._track_change(replace(line, state=LineState.SHIPPED, hold_until=None))
        return self._record_event(Shipped, at, line=changed, batches=shipped)

    def deallocate_for_reduction(
        self, reference: str, quantity: int, latest: Sequence[OrderLine], at: datetime
    ) -> Sequence[Deallocated]:
        """Deallocate lines in the order of `latest` until the batch can have the quantity.

        Raises `QuantityBelowShipped`, or `TooManyLines` if these lines are not enough.
        """
        missing, selected = self.stock.batches[reference].overallocated_by(quantity), list[OrderLine]()
        for line in latest:
            if missing <= 0:
                break
            selected.append(line)
            missing -= sum(part.quantity for part in line.parts if part.batch == reference)
        if missing > 0:
            lowest = quantity + missing
            raise errors.TooManyLines(
                f"more than {len(selected)} lines would lose pieces of {reference}: reduce the batch to {lowest} first",
                facts={"lowest": str(lowest)},
            )
        self.lines |= {line.order: line for line in selected}
        return [self.deallocate(line.order, DeallocationReason.REDUCED, at) for line in selected]

    def resize(self, reference: str, quantity: int, at: datetime) -> BatchQuantityChanged:
        """Change the quantity of a batch to at least its allocated pieces; raise `QuantityBelowShipped`."""
        before = self.stock.batches[reference]
        (batch,) = self.stock.replace_batches(before.resize(quantity))
        if quantity > before.purchased:
            self._mark_replenished()
        return self._record_event(BatchQuantityChanged, at, batch=batch, before=before.purchased)

    def change_arrival(self, reference: str, eta: date | None, at: datetime) -> ArrivalChanged:
        """Change the arrival of a batch; its lines stay allocated."""
        before = self.stock.batches[reference]
        (batch,) = self.stock.replace_batches(replace(before, eta=eta))
        return self._record_event(ArrivalChanged, at, batch=batch, before=before.eta)

    def allocate_waiting(self, waiting: Sequence[OrderLine], at: datetime) -> Sequence[Allocated]:
        """Allocate waiting lines in the given order; skip each line that the available pieces cannot supply."""
        events = list[Allocated]()
        for line in waiting:
            if selection := self.stock.select_batches(line.quantity, split=line.split):
                self.waiting -= 1
                events.append(self._allocate_selection(line, selection, at))
        return events

    def _reallocate_idempotently(
        self, line: OrderLine, request: AllocationRequest, at: datetime
    ) -> tuple[OrderLine, Sequence[StockEvent]]:
        demand = request.demand
        if request.once:
            return line, []
        if line.quantity != demand.quantity:
            raise errors.LineAlreadyAllocated(
                f"order {line.order} has a line of {line.quantity} {self.name} ({line.state}), not {demand.quantity}",
                facts={"quantity": str(line.quantity), "state": line.state} | batch_facts(line),
            )
        if demand.hold_until in (None, line.hold_until) or line.state is LineState.SHIPPED:
            return line, []
        request.check_hold_until()
        event = self._record_event(HoldMoved, at, line=self._track_change(replace(line, hold_until=demand.hold_until)))
        return event.line, [event]

    def _allocate_selection(self, line: OrderLine, selection: BatchSelection, at: datetime) -> Allocated:
        allocated = self.stock.allocate(selection.parts)
        line = replace(line, parts=selection.parts, why=selection.why, passed_over=selection.passed_over)
        changed = self._track_change(replace(line, state=LineState.ALLOCATED))
        return self._record_event(Allocated, at, line=changed, batches=allocated)

    def _backorder(self, line: OrderLine, at: datetime) -> StockEvent:
        self.waiting += 1
        return self._record_event(Queued, at, line=self._track_change(replace(line, why=self._shortage_reason(line))))

    def _shortage_reason(self, wanted: AllocationDemand | OrderLine) -> str:
        splittable = self.stock.splittable_available
        if not splittable:
            available = "there are none"
        elif self.unserved:
            available = f"what is left is for the {self.waiting} lines that wait"
        elif wanted.split:
            available = f"{splittable} are left"
        else:
            available = f"no batch has more than {self.stock.largest_available} left"
        return f"{wanted.quantity} {self.name} are wanted, and {available}"

    def _active_line(self, order: str) -> OrderLine:
        line = self.lines.get(order)
        if line is None or not line.is_active:
            raise errors.UnknownOrderLine(f"order {order} has no line of {self.name}")
        return line

    def _mark_replenished(self) -> None:
        self.short, self.unserved = False, self.waiting > 0

    def _track_change(self, line: OrderLine) -> OrderLine:
        """Store a line with the version of the event that the caller records next."""
        self.lines[line.order] = line = replace(line, version=self.version + 1)
        self.changed_lines.add(line.order)
        return line

    def _record_event(self, kind: type[StockEventT], at: datetime, **facts: Any) -> StockEventT:
        self.version += 1
        return kind(at=at, subject=self.id, version=self.version, sku=self.name, **facts)


def batch_facts(line: OrderLine) -> dict[str, str]:
    """Return the first batches of a line as facts of an error."""
    return {"batch": ", ".join(part.batch for part in line.parts[:MAX_BATCHES_EXPLAINED])} if line.parts else {}
