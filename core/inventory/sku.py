"""A sku: everything of one kind of goods, and who gets it."""

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
    OutOfStock,
    Queued,
    Shipped,
    StockEvent,
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
    """The aggregate.  Whoever changes it holds it: nobody else does until his work ends.

    It may have millions of lines, so it has at hand only those that somebody asked for; what a command needs of the
    others it is given.  A method that raises has changed nothing.
    """

    id: SkuId
    name: str
    version: int = 0
    """How many events it has had."""
    waiting: int = 0
    """How many of its lines wait."""
    short: bool = False
    """Whether a shortage was told of; it ends when more is bought."""
    unserved: bool = False
    """Whether pieces came back or arrived that those who wait have not been offered: they come before anybody new."""
    stock: SkuStock = field(default_factory=SkuStock)
    lines: dict[str, OrderLine] = field(default_factory=dict)
    """By order: those that were asked for, as they are now."""
    changed_lines: set[str] = field(default_factory=set)
    deallocated_batches_by_order: dict[str, set[str]] = field(default_factory=dict)
    """By order: the batches that got pieces back."""

    def create_batch(self, reference: str, quantity: int, eta: date | None, at: datetime) -> BatchCreated:
        """Buy goods."""
        batch = Batch(reference=reference, purchased=quantity, eta=eta, number=self.version + 1)
        self.stock.add(batch)
        self._mark_replenished()
        return self._record_event(BatchCreated, at, batch=batch)

    def allocate(self, request: AllocationRequest, at: datetime) -> tuple[OrderLine, Sequence[StockEvent]]:
        """Give a line its pieces, or let it wait; a line that has them keeps them, and nothing happened.

        Raises `LineAlreadyAllocated`, `HoldInThePast` or `OutOfStock`.
        """
        demand, known = request.demand, self.lines.get(request.demand.order)
        if known is not None and (known.lives or demand.once):
            return self._reallocate_idempotently(known, request, at)
        request.check_hold_until()
        chosen = None if self.unserved else self.stock.select_batches(demand.quantity, split=demand.split)
        if chosen is None and not demand.wait:
            most = self.stock.left if demand.split else self.stock.most
            raise errors.OutOfStock(self._shortage_reason(demand), facts={"available": str(most)})
        line = OrderLine.asked(demand, self.version + 1, at)
        event = self._allocate_selection(line, chosen, at) if chosen else self._backorder(line, at)
        return self.lines[demand.order], [event]

    def begin_shortage(self, order: str, quantity: int, at: datetime) -> Sequence[StockEvent]:
        """Tell that a line found no pieces, once in a shortage."""
        if self.short:
            return []
        self.short = True
        told: dict[str, Any] = {"available": self.stock.most, "waiting": self.waiting}
        return [self._record_event(OutOfStock, at, order=order, quantity=quantity, **told)]

    def deallocate(self, order: str, reason: DeallocationReason, at: datetime) -> Deallocated:
        """Take the pieces of a line back, or its place in the queue; raise `UnknownOrderLine` or `AlreadyShipped`."""
        line = self._active_line(order)
        if line.state is LineState.SHIPPED:
            raise errors.AlreadyShipped(f"{line.quantity} {self.name} of order {order} have left the stores")
        back = self.stock.deallocate(line.parts)
        self.deallocated_batches_by_order.setdefault(order, set()).update(part.batch for part in line.parts)
        self.waiting -= line.state is LineState.WAITING
        self.waiting += reason is DeallocationReason.REDUCED
        self.unserved = self.unserved or (self.waiting > 0 and bool(back))
        left = replace(
            line,
            state=STATE_AFTER_DEALLOCATION[reason],
            parts=(),
            passed_over=(),
            why=EXPLANATION_BY_REASON.get(reason, ""),
        )
        told = self._track_change(
            replace(left, hold_until=line.hold_until if reason is DeallocationReason.REDUCED else None)
        )
        return self._record_event(Deallocated, at, line=told, batches=back, reason=reason)

    def ship(self, order: str, at: datetime) -> Shipped:
        """Let the pieces of a line leave the stores; raise `UnknownOrderLine`, `AlreadyShipped` or `LineWaits`."""
        line = self._active_line(order)
        if line.state is LineState.SHIPPED:
            raise errors.AlreadyShipped(f"{line.quantity} {self.name} of order {order} left the stores before")
        if line.state is LineState.WAITING:
            raise errors.LineWaits(f"order {order} waits for {line.quantity} {self.name}")
        gone = self.stock.ship(line.parts)
        told = self._track_change(replace(line, state=LineState.SHIPPED, hold_until=None))
        return self._record_event(Shipped, at, line=told, batches=gone)

    def deallocate_for_reduction(
        self, reference: str, quantity: int, latest: Sequence[OrderLine], at: datetime
    ) -> Sequence[Deallocated]:
        """Take pieces from lines, in the order they are given in, until a batch can be so small.

        Raises `QuantityBelowShipped`, or `TooManyLines` when these are not enough.
        """
        missing, losers = self.stock.batches[reference].overallocated_by(quantity), list[OrderLine]()
        for line in latest:
            if missing <= 0:
                break
            losers.append(line)
            missing -= sum(part.quantity for part in line.parts if part.batch == reference)
        if missing > 0:
            lowest = quantity + missing
            raise errors.TooManyLines(
                f"more than {len(losers)} lines would lose pieces of {reference} at once: go down to {lowest} first",
                facts={"lowest": str(lowest)},
            )
        self.lines |= {line.order: line for line in losers}
        return [self.deallocate(line.order, DeallocationReason.REDUCED, at) for line in losers]

    def resize(self, reference: str, quantity: int, at: datetime) -> BatchQuantityChanged:
        """Change what a batch has, once lines have given up what it must lose; raise `QuantityBelowShipped`."""
        before = self.stock.batches[reference]
        (batch,) = self.stock.put(before.resize(quantity))
        if quantity > before.purchased:
            self._mark_replenished()
        return self._record_event(BatchQuantityChanged, at, batch=batch, before=before.purchased)

    def change_arrival(self, reference: str, eta: date | None, at: datetime) -> ArrivalChanged:
        """Move the arrival of a batch; lines that have pieces of it keep them."""
        before = self.stock.batches[reference]
        (batch,) = self.stock.put(replace(before, eta=eta))
        return self._record_event(ArrivalChanged, at, batch=batch, before=before.eta)

    def serve_backorders(self, waiting: Sequence[OrderLine], at: datetime) -> Sequence[Allocated]:
        """Give lines that wait, in the order they are given in, what there is; who needs more is passed over."""
        events = list[Allocated]()
        for line in waiting:
            if chosen := self.stock.select_batches(line.quantity, split=line.split):
                self.waiting -= 1
                events.append(self._allocate_selection(line, chosen, at))
        return events

    def _reallocate_idempotently(
        self, line: OrderLine, request: AllocationRequest, at: datetime
    ) -> tuple[OrderLine, Sequence[StockEvent]]:
        demand = request.demand
        if demand.once:
            return line, []
        if line.quantity != demand.quantity:
            raise errors.LineAlreadyAllocated(
                f"order {line.order} has a line of {line.quantity} {self.name} ({line.state}), not {demand.quantity}",
                facts={"quantity": str(line.quantity), "state": line.state} | batch_facts(line),
            )
        if line.hold_until == demand.hold_until or line.state is LineState.SHIPPED:
            return line, []
        request.check_hold_until()
        event = self._record_event(HoldMoved, at, line=self._track_change(replace(line, hold_until=demand.hold_until)))
        return event.line, [event]

    def _allocate_selection(self, line: OrderLine, chosen: BatchSelection, at: datetime) -> Allocated:
        taken = self.stock.take(chosen.parts)
        line = replace(line, parts=chosen.parts, why=chosen.why, passed_over=chosen.passed_over)
        told = self._track_change(replace(line, state=LineState.ALLOCATED))
        return self._record_event(Allocated, at, line=told, batches=taken)

    def _backorder(self, line: OrderLine, at: datetime) -> StockEvent:
        self.waiting += 1
        return self._record_event(Queued, at, line=self._track_change(replace(line, why=self._shortage_reason(line))))

    def _shortage_reason(self, wanted: AllocationDemand | OrderLine) -> str:
        if self.unserved:
            left = f"what is left is for the {self.waiting} lines that wait"
        else:
            left = f"{self.stock.left} are left" if wanted.split else f"no batch has more than {self.stock.most} left"
        return f"{wanted.quantity} {self.name} are wanted, and {left if self.stock.left else 'there are none'}"

    def _active_line(self, order: str) -> OrderLine:
        line = self.lines.get(order)
        if line is None or not line.lives:
            raise errors.UnknownOrderLine(f"order {order} has no line of {self.name}")
        return line

    def _mark_replenished(self) -> None:
        self.short, self.unserved = False, self.waiting > 0

    def _track_change(self, line: OrderLine) -> OrderLine:
        """Remember how a line is with the event that is about to be told."""
        self.lines[line.order] = line = replace(line, version=self.version + 1)
        self.changed_lines.add(line.order)
        return line

    def _record_event(self, kind: type[StockEventT], at: datetime, **told: Any) -> StockEventT:
        self.version += 1
        return kind(at=at, subject=self.id, version=self.version, sku=self.name, **told)


def batch_facts(line: OrderLine) -> dict[str, str]:
    """Return the batches of a line as facts, the first few of many."""
    return {"batch": ", ".join(part.batch for part in line.parts[:MAX_BATCHES_EXPLAINED])} if line.parts else {}
