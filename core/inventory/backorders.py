"""Backorders of a sku: the oldest that the available pieces can supply is allocated first."""

from collections.abc import Sequence
from datetime import datetime

from core.inventory.events import Allocated
from core.inventory.order_line import LineState, OrderLine
from core.inventory.ports import OrderLines
from core.inventory.sku import Sku

BACKORDERS_PER_PAGE = 500
MAX_LINES_SERVED_PER_TRANSACTION = 2_000
"""The sku stays `unserved` until later transactions have read the remaining backorders."""


async def allocate_backorders(sku: Sku, stored: OrderLines, at: datetime) -> Sequence[Allocated]:
    """Allocate the available pieces of a locked sku to its backorders, up to the limit of one transaction."""
    events, after, seen = list[Allocated](), 0, 0
    while sku.unserved and seen < MAX_LINES_SERVED_PER_TRANSACTION:
        page = await stored.backorders(sku, after, BACKORDERS_PER_PAGE)
        last = page[-1].place if len(page) == BACKORDERS_PER_PAGE else None
        events += sku.allocate_waiting(merge_pending_changes(sku, page, after, last), at)
        sku.unserved = last is not None
        after, seen = last or after, seen + len(page)
    return events


def merge_pending_changes(sku: Sku, page: Sequence[OrderLine], after: int, last: int | None) -> Sequence[OrderLine]:
    """Return the waiting lines of a page by place, with the changes that this transaction has not yet stored."""
    loaded = [line for line in sku.lines.values() if line.place > after and (last is None or line.place <= last)]
    stored = [line for line in page if line.order not in sku.lines]
    return sorted((line for line in [*loaded, *stored] if line.state is LineState.WAITING), key=lambda line: line.place)
