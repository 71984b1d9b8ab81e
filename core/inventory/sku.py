"""A sku: everything of one kind of goods, and who gets it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, NewType, TypeVar
from uuid import UUID

from core.inventory import errors
from core.inventory.batch import Batch
from core.inventory.choice import MOST_TOLD, Choice
from core.inventory.events import (
    Allocated,
    ArrivalChanged,
    BatchCreated,
    BatchQuantityChanged,
    Deallocated,
    HoldMoved,
    OutOfStock,
    Queued,
    Reason,
    Shipped,
    StockEvent,
)
from core.inventory.order_line import AllocationRequest, AllocationWish, LineState, OrderLine
from core.inventory.shelf import Shelf

SkuId = NewType("SkuId", UUID)
E = TypeVar("E", bound=StockEvent)
OVER = {
    Reason.DEALLOCATED: LineState.DEALLOCATED,
    Reason.CANCELLED: LineState.CANCELLED,
    Reason.EXPIRED: LineState.EXPIRED,
    Reason.REDUCED: LineState.WAITING,
}
WHY = {Reason.REDUCED: "its batch became too small"}


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
    shelf: Shelf = field(default_factory=Shelf)
    lines: dict[str, OrderLine] = field(default_factory=dict)
    """By order: those that were asked for, as they are now."""
    changed_lines: set[str] = field(default_factory=set)
    returned: dict[str, set[str]] = field(default_factory=dict)
    """By order: the batches that got pieces back."""

    def create_batch(self, reference: str, quantity: int, eta: date | None, at: datetime) -> BatchCreated:
        """Buy goods."""
        batch = Batch(reference=reference, purchased=quantity, eta=eta, number=self.version + 1)
        self.shelf.add(batch)
        self._bought()
        return self._tell(BatchCreated, at, batch=batch)

    def allocate(self, request: AllocationRequest, at: datetime) -> tuple[OrderLine, Sequence[StockEvent]]:
        """Give a line its pieces, or let it wait; a line that has them keeps them, and nothing happened.

        Raises `LineAlreadyAllocated`, `HoldInThePast` or `OutOfStock`.
        """
        wish, known = request.wish, self.lines.get(request.wish.order)
        if known is not None and (known.lives or wish.once):
            return self._again(known, request, at)
        request.check_hold()
        chosen = None if self.unserved else self.shelf.choose(wish.quantity, split=wish.split)
        if chosen is None and not wish.wait:
            most = self.shelf.left if wish.split else self.shelf.most
            raise errors.OutOfStock(self._too_little(wish), facts={"available": str(most)})
        line = OrderLine.asked(wish, self.version + 1, at)
        event = self._give(line, chosen, at) if chosen else self._queue(line, at)
        return self.lines[wish.order], [event]

    def run_short(self, order: str, quantity: int, at: datetime) -> Sequence[StockEvent]:
        """Tell that a line found no pieces, once in a shortage."""
        if self.short:
            return []
        self.short = True
        told: dict[str, Any] = {"available": self.shelf.most, "waiting": self.waiting}
        return [self._tell(OutOfStock, at, order=order, quantity=quantity, **told)]

    def deallocate(self, order: str, reason: Reason, at: datetime) -> Deallocated:
        """Take the pieces of a line back, or its place in the queue; raise `UnknownOrderLine` or `AlreadyShipped`."""
        line = self._living(order)
        if line.state is LineState.SHIPPED:
            raise errors.AlreadyShipped(f"{line.quantity} {self.name} of order {order} have left the stores")
        back = self.shelf.give_back(line.parts)
        self.returned.setdefault(order, set()).update(part.batch for part in line.parts)
        self.waiting -= line.state is LineState.WAITING
        self.waiting += reason is Reason.REDUCED
        self.unserved = self.unserved or (self.waiting > 0 and bool(back))
        left = replace(line, state=OVER[reason], parts=(), passed_over=(), why=WHY.get(reason, ""))
        told = self._changed(replace(left, hold_until=line.hold_until if reason is Reason.REDUCED else None))
        return self._tell(Deallocated, at, line=told, batches=back, reason=reason)

    def ship(self, order: str, at: datetime) -> Shipped:
        """Let the pieces of a line leave the stores; raise `UnknownOrderLine`, `AlreadyShipped` or `LineWaits`."""
        line = self._living(order)
        if line.state is LineState.SHIPPED:
            raise errors.AlreadyShipped(f"{line.quantity} {self.name} of order {order} left the stores before")
        if line.state is LineState.WAITING:
            raise errors.LineWaits(f"order {order} waits for {line.quantity} {self.name}")
        gone = self.shelf.ship(line.parts)
        told = self._changed(replace(line, state=LineState.SHIPPED, hold_until=None))
        return self._tell(Shipped, at, line=told, batches=gone)

    def give_up(
        self, reference: str, quantity: int, latest: Sequence[OrderLine], at: datetime
    ) -> Sequence[Deallocated]:
        """Take pieces from lines, in the order they are given in, until a batch can be so small.

        Raises `QuantityBelowShipped`, or `TooManyLines` when these are not enough.
        """
        missing, losers = self.shelf.batches[reference].surplus(quantity), list[OrderLine]()
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
        return [self.deallocate(line.order, Reason.REDUCED, at) for line in losers]

    def resize(self, reference: str, quantity: int, at: datetime) -> BatchQuantityChanged:
        """Change what a batch has, once lines have given up what it must lose; raise `QuantityBelowShipped`."""
        before = self.shelf.batches[reference]
        (batch,) = self.shelf.put(before.resize(quantity))
        if quantity > before.purchased:
            self._bought()
        return self._tell(BatchQuantityChanged, at, batch=batch, before=before.purchased)

    def change_arrival(self, reference: str, eta: date | None, at: datetime) -> ArrivalChanged:
        """Move the arrival of a batch; lines that have pieces of it keep them."""
        before = self.shelf.batches[reference]
        (batch,) = self.shelf.put(replace(before, eta=eta))
        return self._tell(ArrivalChanged, at, batch=batch, before=before.eta)

    def serve(self, waiting: Sequence[OrderLine], at: datetime) -> Sequence[Allocated]:
        """Give lines that wait, in the order they are given in, what there is; who needs more is passed over."""
        events = list[Allocated]()
        for line in waiting:
            if chosen := self.shelf.choose(line.quantity, split=line.split):
                self.waiting -= 1
                events.append(self._give(line, chosen, at))
        return events

    def _again(
        self, line: OrderLine, request: AllocationRequest, at: datetime
    ) -> tuple[OrderLine, Sequence[StockEvent]]:
        wish = request.wish
        if wish.once:
            return line, []
        if line.quantity != wish.quantity:
            raise errors.LineAlreadyAllocated(
                f"order {line.order} has a line of {line.quantity} {self.name} ({line.state}), not {wish.quantity}",
                facts={"quantity": str(line.quantity), "state": line.state} | first_batches(line),
            )
        if line.hold_until == wish.hold_until or line.state is LineState.SHIPPED:
            return line, []
        request.check_hold()
        event = self._tell(HoldMoved, at, line=self._changed(replace(line, hold_until=wish.hold_until)))
        return event.line, [event]

    def _give(self, line: OrderLine, chosen: Choice, at: datetime) -> Allocated:
        taken = self.shelf.take(chosen.parts)
        line = replace(line, parts=chosen.parts, why=chosen.why, passed_over=chosen.passed_over)
        told = self._changed(replace(line, state=LineState.ALLOCATED))
        return self._tell(Allocated, at, line=told, batches=taken)

    def _queue(self, line: OrderLine, at: datetime) -> StockEvent:
        self.waiting += 1
        return self._tell(Queued, at, line=self._changed(replace(line, why=self._too_little(line))))

    def _too_little(self, wanted: AllocationWish | OrderLine) -> str:
        if self.unserved:
            left = f"what is left is for the {self.waiting} lines that wait"
        else:
            left = f"{self.shelf.left} are left" if wanted.split else f"no batch has more than {self.shelf.most} left"
        return f"{wanted.quantity} {self.name} are wanted, and {left if self.shelf.left else 'there are none'}"

    def _living(self, order: str) -> OrderLine:
        line = self.lines.get(order)
        if line is None or not line.lives:
            raise errors.UnknownOrderLine(f"order {order} has no line of {self.name}")
        return line

    def _bought(self) -> None:
        self.short, self.unserved = False, self.waiting > 0

    def _changed(self, line: OrderLine) -> OrderLine:
        """Remember how a line is with the event that is about to be told."""
        self.lines[line.order] = line = replace(line, version=self.version + 1)
        self.changed_lines.add(line.order)
        return line

    def _tell(self, kind: type[E], at: datetime, **told: Any) -> E:
        self.version += 1
        return kind(at=at, subject=self.id, version=self.version, sku=self.name, **told)


def first_batches(line: OrderLine) -> dict[str, str]:
    """Return the batches of a line as facts, the first few of many."""
    return {"batch": ", ".join(part.batch for part in line.parts[:MOST_TOLD])} if line.parts else {}
