"""The queue of those who wait for stock: the oldest comes first, and who needs more than there is, is passed over."""

from collections.abc import Sequence
from datetime import datetime

from core.inventory.events import Allocated
from core.inventory.order_line import LineState, OrderLine
from core.inventory.ports import OrderLines
from core.inventory.sku import Sku

BACKORDERS_PER_PAGE = 500
MAX_LINES_SERVED_PER_TRANSACTION = 2_000
"""Lines that are looked at in one transaction; the sku stays `unserved` until the rest have been."""


async def serve_backorders(sku: Sku, stored: OrderLines, at: datetime) -> Sequence[Allocated]:
    """Offer what is left to those who wait."""
    events, after, seen = list[Allocated](), 0, 0
    while sku.unserved and seen < MAX_LINES_SERVED_PER_TRANSACTION:
        page = await stored.waiting(sku, after, BACKORDERS_PER_PAGE)
        last = page[-1].place if len(page) == BACKORDERS_PER_PAGE else None
        events += sku.serve_backorders(merge_pending_changes(sku, page, after, last), at)
        sku.unserved = last is not None
        after, seen = last or after, seen + len(page)
    return events


def merge_pending_changes(sku: Sku, page: Sequence[OrderLine], after: int, last: int | None) -> Sequence[OrderLine]:
    """Return those of a part of the queue that wait now, which is not yet stored of those we changed, in order."""
    here = [line for line in sku.lines.values() if line.place > after and (last is None or line.place <= last)]
    stored = [line for line in page if line.order not in sku.lines]
    return sorted((line for line in [*here, *stored] if line.state is LineState.WAITING), key=lambda line: line.place)
