"""The events of the inventory context; each contains the new state of the batches and the line that it changed."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.inventory.batch import Batch
from core.inventory.order_line import OrderLine
from core.kernel.events import Event
from core.messaging.command_refused import CommandRefused


class DeallocationReason(StrEnum):
    """The reason for a deallocation."""

    DEALLOCATED = "deallocated"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REDUCED = "reduced"
    """The quantity of its batch was reduced; the line becomes a backorder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockEvent(Event):
    """An event of one sku."""

    CONTEXT = "inventory"

    sku: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCreated(StockEvent):
    """A batch was created."""

    MESSAGE_TYPE = "BatchCreated"

    batch: Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchQuantityChanged(StockEvent):
    """The purchased quantity of a batch was changed."""

    MESSAGE_TYPE = "BatchQuantityChanged"

    batch: Batch
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalChanged(StockEvent):
    """The arrival of a batch was changed."""

    MESSAGE_TYPE = "ArrivalChanged"

    batch: Batch
    before: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocated(StockEvent):
    """A line was allocated."""

    MESSAGE_TYPE = "Allocated"

    line: OrderLine
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued(StockEvent):
    """A line was backordered."""

    MESSAGE_TYPE = "Queued"

    line: OrderLine


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldMoved(StockEvent):
    """The end of a hold was changed or removed."""

    MESSAGE_TYPE = "HoldMoved"

    line: OrderLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Deallocated(StockEvent):
    """An allocated line or a backorder was ended, or a line was deallocated because its batch was reduced."""

    MESSAGE_TYPE = "Deallocated"

    line: OrderLine
    batches: tuple[Batch, ...]
    reason: DeallocationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped(StockEvent):
    """A line was shipped."""

    MESSAGE_TYPE = "Shipped"

    line: OrderLine
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRanOut(StockEvent):
    """A shortage of a sku began: it is recorded once, until a purchase ends the shortage."""

    MESSAGE_TYPE = "OutOfStock"

    order: str
    quantity: int
    available: int
    """The largest available quantity of one batch."""
    waiting: int
    """The number of backorders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockCommandRefused(CommandRefused):
    """An inventory command was refused."""

    CONTEXT = "inventory"
    MESSAGE_TYPE = "StockCommandRefused"
