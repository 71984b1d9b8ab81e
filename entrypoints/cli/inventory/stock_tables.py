"""How the stores are shown on a terminal."""

from collections.abc import Sequence

from rich.table import Table

from core.inventory.order_line import OrderLine
from core.inventory.show_availability import Availability
from core.inventory.stock_level import StockChange, StockLevel
from entrypoints.cli.command_runner import escape_unprintable


def where(batch: StockLevel) -> str:
    """Say where a batch is."""
    return f"arrives on {batch.eta}" if batch.eta else "in the warehouse"


def as_text(change: StockChange) -> str:
    """Say what became of a batch."""
    batch = change.batch
    pieces = f"{batch.purchased:,} pieces, {batch.available:,} available, {batch.shipped:,} shipped"
    lines = (
        f"; {change.gave_up} lines gave pieces up, {change.served} got some" if change.gave_up + change.served else ""
    )
    return f"{batch.reference}: {batch.sku}, {where(batch)}, {pieces}{lines}"


def as_table(lines: Sequence[OrderLine]) -> Table:
    """Show order lines, and why they are as they are."""
    table = Table("order", "sku", "quantity", "state", "from", "why", box=None)
    for line in lines:
        parts = ", ".join(f"{part.quantity} of {part.batch}" for part in line.parts)
        table.add_row(line.order, line.sku, f"{line.quantity:,}", line.state, parts, escape_unprintable(line.why))
    return table


def availability_table(found: Availability, on: str | None) -> Table:
    """Show what is left of a sku."""
    table = Table("batch", "where", "left", box=None, show_footer=True)
    table.columns[1].footer, table.columns[2].footer = f"there on {on}" if on else "in all", f"{found.pieces:,}"
    for batch in found.batches:
        table.add_row(batch.reference, where(batch), f"{batch.available:,}")
    return table
