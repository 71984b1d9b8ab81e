"""Promises that workers can be made to break, each by changing one port: the kit must find them out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from adapters.sql.inventory import SqlSkus
from config.container import Application
from core.inventory.sku import Sku
from tests.chaos.fault_points import patch_factory

SABOTAGES = {
    "inbox": "consumer",
    "acknowledgement": "relay",
    "order": "relay",
    "piece": "http",
    "batch": "http",
}
"""What can be broken, and by whom."""


def sabotage(application: Application, role: str, which: str) -> None:
    """Break one promise."""
    if SABOTAGES.get(which) != role:
        return
    driven = application.driven
    match which:
        case "inbox":
            patch_factory(driven.new_inbox, without_inbox_deduplication)
        case "acknowledgement":
            deleting_before_acknowledgement(driven.outbox(), driven.clock())
        case "order":
            in_reverse_order(driven.outbox())
        case "piece":
            corrupting_saved_skus(withhold_one_unit)
        case "batch":
            corrupting_saved_skus(drop_batch_updates)


def without_inbox_deduplication(inbox: Any) -> Any:
    """Take every message for a new one."""
    accept = inbox.accept

    async def accept_always(*messages: Any) -> Sequence[Any]:
        await accept(*messages)
        return messages

    inbox.accept = accept_always
    return inbox


def deleting_before_acknowledgement(outbox: Any, clock: Any) -> None:
    """Delete events before the broker has acknowledged them."""
    read = outbox.unpublished

    async def read_and_delete(limit: int) -> Sequence[Any]:
        events: Sequence[Any] = await read(limit)
        if events:
            await outbox.published(events, clock.now())
        return events

    outbox.unpublished = read_and_delete


def in_reverse_order(outbox: Any) -> None:
    """Send the newest event of an aggregate first."""
    read = outbox.unpublished

    async def read_backwards(limit: int) -> Sequence[Any]:
        return list(reversed(await read(limit)))

    outbox.unpublished = read_backwards


def corrupting_saved_skus(spoil: Callable[[Sku], None]) -> None:
    """Spoil every sku before it is stored."""
    save = SqlSkus.save

    def save_spoilt(skus: SqlSkus, sku: Sku) -> None:
        spoil(sku)
        save(skus, sku)

    SqlSkus.save = save_spoilt  # type: ignore[method-assign]


def withhold_one_unit(sku: Sku) -> None:
    """Give back a piece too few of whatever comes back."""
    for reference in {each for theirs in sku.returned.values() for each in theirs}:
        batch = sku.stock.batches[reference]
        if batch.available:
            sku.stock.batches[reference] = replace(batch, allocated=batch.allocated + 1)


def drop_batch_updates(sku: Sku) -> None:
    """Commit lines without the batches that they have their pieces of."""
    sku.stock.changed.clear()
