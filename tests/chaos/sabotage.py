"""Guarantees that workers violate on purpose, each by one changed port: the judge must find each violation."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from adapters.sql.inventory.skus import SqlSkus
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
"""The violations, and the roles that commit them."""


def sabotage(application: Application, role: str, which: str) -> None:
    """Apply one violation."""
    if SABOTAGES.get(which) != role:
        return
    match which:
        case "inbox":
            patch_factory(application.messaging.new_inbox, without_inbox_deduplication)
        case "acknowledgement":
            deleting_before_acknowledgement(application.messaging.outbox(), application.process.clock())
        case "order":
            in_reverse_order(application.messaging.outbox())
        case "piece":
            corrupting_saved_skus(withhold_one_unit)
        case "batch":
            corrupting_saved_skus(drop_batch_updates)


def without_inbox_deduplication(inbox: Any) -> Any:
    """Take each message as a new one."""
    deduplicate = inbox.deduplicate

    async def deduplicate_nothing(*messages: Any) -> Sequence[Any]:
        await deduplicate(*messages)
        return messages

    inbox.deduplicate = deduplicate_nothing
    return inbox


def deleting_before_acknowledgement(outbox: Any, clock: Any) -> None:
    """Delete events before the broker has acknowledged them."""
    read = outbox.unpublished

    async def read_and_delete(limit: int) -> Sequence[Any]:
        events: Sequence[Any] = await read(limit)
        if events:
            await outbox.mark_published(events, clock.now())
        return events

    outbox.unpublished = read_and_delete


def in_reverse_order(outbox: Any) -> None:
    """Send the newest event of an aggregate first."""
    read = outbox.unpublished

    async def read_backwards(limit: int) -> Sequence[Any]:
        return list(reversed(await read(limit)))

    outbox.unpublished = read_backwards


def corrupting_saved_skus(spoil: Callable[[Sku], None]) -> None:
    """Corrupt each sku before it is stored."""
    save = SqlSkus.save

    def save_spoilt(skus: SqlSkus, sku: Sku) -> None:
        spoil(sku)
        save(skus, sku)

    SqlSkus.save = save_spoilt  # type: ignore[method-assign]


def withhold_one_unit(sku: Sku) -> None:
    """Return one piece too few to each batch that a line gives back."""
    for reference in {each for theirs in sku.deallocated_batches_by_order.values() for each in theirs}:
        batch = sku.stock.batches[reference]
        if batch.available:
            sku.stock.batches[reference] = replace(batch, allocated=batch.allocated + 1)


def drop_batch_updates(sku: Sku) -> None:
    """Commit lines without the changes to their batches."""
    sku.stock.modified.clear()
