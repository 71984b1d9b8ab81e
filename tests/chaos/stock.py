"""The observable state of the inventory: rows, and the replies to stock clients."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from core.notifications.staff import INVENTORY_STAFF
from tests.chaos.sql import select
from tests.chaos.stock_reply_log import StockReply, told

STATES_WITH_ALLOCATION = ("allocated", "shipped")
"""The states in which a line has pieces."""
OPEN_STATES = (*STATES_WITH_ALLOCATION, "waiting")


@dataclass(frozen=True, slots=True)
class SkuRow:
    """A sku."""

    id: UUID
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch."""

    reference: str
    sku: str
    purchased: int
    available: int
    shipped: int


@dataclass(frozen=True, slots=True)
class Line:
    """An order line."""

    order: str
    sku: str
    quantity: int
    split: bool
    state: str
    version: int


@dataclass(frozen=True, slots=True)
class AllocationRow:
    """The pieces of a line from one batch."""

    batch: str
    order: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A delivery to the inventory staff."""

    event: UUID
    channel: str
    state: str


@dataclass(frozen=True, slots=True)
class Stock:
    """The inventory part of the judge's input."""

    skus: list[SkuRow] = field(default_factory=list)
    batches: list[BatchRow] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    pieces: list[AllocationRow] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    told: list[StockReply] = field(default_factory=list)


OF_SKU = "JOIN skus ON skus.id = sku_id"
BATCHES = f"SELECT reference, skus.name, purchased, available, shipped FROM batches {OF_SKU}"
LINES = f"SELECT order_id, skus.name, quantity, split, state, order_lines.version FROM order_lines {OF_SKU}"
PIECES = f"SELECT batch, order_id, skus.name, quantity FROM allocations {OF_SKU} WHERE quantity > 0"


async def take_stock(rows: Any, folder: Path) -> Stock:
    """Read the state."""
    deliveries = await select(rows, "SELECT student_id, notice_id, channel, state FROM deliveries")
    return Stock(
        skus=[SkuRow(UUID(bytes=row[0]), *row[1:]) for row in await select(rows, "SELECT id, name, version FROM skus")],
        batches=[BatchRow(*row) for row in await select(rows, BATCHES)],
        lines=[Line(*row) for row in await select(rows, LINES)],
        pieces=[AllocationRow(*row) for row in await select(rows, PIECES)],
        notices=[Notice(UUID(bytes=row[1]), *row[2:]) for row in deliveries if row[0] == INVENTORY_STAFF.bytes],
        told=told(folder),
    )
