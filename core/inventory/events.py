"""What the stores tell the world; each tells how the batches and the line that it changed are now."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from core.inventory.batch import Batch
from core.inventory.order_line import OrderLine
from core.kernel.events import Event


class DeallocationReason(StrEnum):
    """Why a line lost its pieces."""

    DEALLOCATED = "deallocated"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REDUCED = "reduced"
    """Its batch became smaller: the line waits for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockEvent(Event):
    """Something happened to a sku."""

    CONTEXT = "inventory"

    sku: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCreated(StockEvent):
    """Goods were bought."""

    MESSAGE_TYPE = "BatchCreated"

    batch: Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchQuantityChanged(StockEvent):
    """A batch has more or fewer pieces than was thought."""

    MESSAGE_TYPE = "BatchQuantityChanged"

    batch: Batch
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalChanged(StockEvent):
    """A batch has arrived, or arrives on another day."""

    MESSAGE_TYPE = "ArrivalChanged"

    batch: Batch
    before: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocated(StockEvent):
    """A line has its pieces."""

    MESSAGE_TYPE = "Allocated"

    line: OrderLine
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued(StockEvent):
    """A line waits for stock."""

    MESSAGE_TYPE = "Queued"

    line: OrderLine


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldMoved(StockEvent):
    """A line keeps its pieces longer, shorter or for good."""

    MESSAGE_TYPE = "HoldMoved"

    line: OrderLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Deallocated(StockEvent):
    """A line has no pieces any more, or no longer waits for them."""

    MESSAGE_TYPE = "Deallocated"

    line: OrderLine
    batches: tuple[Batch, ...]
    reason: DeallocationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped(StockEvent):
    """The pieces of a line have left the stores."""

    MESSAGE_TYPE = "Shipped"

    line: OrderLine
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfStock(StockEvent):
    """A shortage began: a line found no pieces.  It ends when more is bought; until then nothing more is said."""

    MESSAGE_TYPE = "OutOfStock"

    order: str
    quantity: int
    available: int
    """The most that any one batch has left."""
    waiting: int
    """Lines that wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockCommandRefused(Event):
    """A command to the stores was refused."""

    CONTEXT = "inventory"
    MESSAGE_TYPE = "StockCommandRefused"

    command: UUID
    problem: str
    """The type of the problem, the same as over HTTP."""
    detail: str
    field: str | None
    """The JSON path of the guilty field, when there is one."""
