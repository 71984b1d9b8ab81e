"""Batches and order lines as people read them on a terminal."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from core.inventory.order_line import OrderLine
from core.inventory.show_allocations import OrderAllocations
from core.inventory.show_availability import Availability
from core.inventory.stock_level import StockChange, StockLevel
from core.kernel.text import escape_unprintable


def batch_place(batch: StockLevel) -> str:
    """Return where a batch is, or when it arrives."""
    return f"arrives on {batch.eta}" if batch.eta else "in the warehouse"


def change_summary(change: StockChange) -> str:
    """Return a batch after a change, and how many order lines the change moved."""
    batch = change.batch
    pieces = f"{batch.purchased:,} pieces, {batch.available:,} available, {batch.shipped:,} shipped"
    moved = change.gave_up + change.served
    lines = f"; {change.gave_up} lines gave pieces up, {change.served} got some" if moved else ""
    return f"{batch.reference}: {batch.sku}, {batch_place(batch)}, {pieces}{lines}"


def lines_table(lines: Sequence[OrderLine]) -> Table:
    """Return a table of order lines with their batches and the reason of the choice."""
    table = Table("order", "sku", "quantity", "state", "from", "why", box=None)
    for line in lines:
        parts = ", ".join(f"{part.quantity} of {part.batch}" for part in line.parts)
        table.add_row(line.order, line.sku, f"{line.quantity:,}", line.state, parts, escape_unprintable(line.why))
    return table


def passed_over_batches(order: OrderAllocations) -> Iterator[str]:
    """Return one text for each batch that an allocation did not take."""
    for line in order.lines:
        for passed in line.passed_over:
            yield f"{line.sku}: {passed.batch} was passed over: {escape_unprintable(passed.why)}"


def availability_table(found: Availability, on: str | None) -> Table:
    """Return a table of the pieces of a sku that are not allocated; `on` names the day in the footer."""
    table = Table("batch", "where", "left", box=None, show_footer=True)
    table.columns[1].footer, table.columns[2].footer = f"there on {on}" if on else "in all", f"{found.pieces:,}"
    for batch in found.batches:
        table.add_row(batch.reference, batch_place(batch), f"{batch.available:,}")
    return table
