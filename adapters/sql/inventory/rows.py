"""Converts skus, batches and order lines to rows and back."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Row

from adapters.sql.inventory.tables import skus
from core.inventory.batch import Batch
from core.inventory.order_line import AllocationPart, LineState, OrderLine, SkippedBatch
from core.inventory.sku import Sku


class Explanation(msgspec.Struct):
    """The stored explanation of an allocation: its parts and the skipped batches."""

    parts: tuple[AllocationPart, ...]
    why: str
    passed_over: tuple[SkippedBatch, ...]


def sku_row(sku: Sku) -> dict[str, Any]:
    """Return the columns of a sku."""
    return {name: getattr(sku, name) for name in skus.c.keys()}  # noqa: SIM118 - columns, not a dictionary


def batch_row(sku: Sku, batch: Batch) -> dict[str, Any]:
    """Return the columns of a batch."""
    return {
        "reference": batch.reference,
        "sku_id": sku.id,
        "number": batch.number,
        "purchased": batch.purchased,
        "available": batch.available,
        "shipped": batch.shipped,
        "eta": batch.eta,
    }


def as_batch(row: Row[Any]) -> Batch:
    """Rebuild a batch from columns."""
    return Batch(
        reference=row.reference,
        purchased=row.purchased,
        allocated=row.purchased - row.available,
        shipped=row.shipped,
        eta=row.eta,
        number=row.number,
    )


def line_row(sku: Sku, line: OrderLine) -> dict[str, Any]:
    """Return the columns of an order line."""
    return {
        "order_id": line.order,
        "sku_id": sku.id,
        "quantity": line.quantity,
        "split": line.split,
        "priority": line.priority,
        "place": line.place,
        "state": line.state,
        "hold_until": line.hold_until,
        "asked_at": line.asked_at,
        "explanation": msgspec.json.encode(Explanation(line.parts, line.why, line.passed_over)).decode(),
        "version": line.version,
    }


def as_line(row: Row[Any]) -> OrderLine:
    """Rebuild an order line from columns."""
    known = msgspec.json.decode(row.explanation, type=Explanation)
    return OrderLine(
        order=row.order_id,
        sku=row.sku,
        quantity=row.quantity,
        split=row.split,
        priority=row.priority,
        place=row.place,
        state=LineState(row.state),
        hold_until=row.hold_until,
        asked_at=row.asked_at,
        parts=known.parts,
        why=known.why,
        passed_over=known.passed_over,
        version=row.version,
    )


def allocation_rows(sku: Sku, line: OrderLine) -> Iterable[dict[str, Any]]:
    """Return a row for each batch that a line has units of, or has returned units to."""
    held = {part.batch: part.quantity for part in line.parts}
    for batch in sorted(held.keys() | sku.deallocated_batches_by_order.get(line.order, set())):
        yield {
            "batch": batch,
            "order_id": line.order,
            "sku_id": sku.id,
            "quantity": held.get(batch, 0),
            "state": line.state if batch in held else LineState.DEALLOCATED,
            "priority": line.priority,
            "place": line.place,
        }
