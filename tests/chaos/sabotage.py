"""Guarantees that workers violate on purpose, each by one changed port: the judge must find each violation."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from adapters.sql.inventory.skus import SqlSkus
from config.container import Application
from core.inventory.sku import Sku
from core.kernel.money import Money
from core.payments.fee_account import FeeAccount
from core.payments.payment import Payment
from tests.chaos.fault_points import patch_factory

SABOTAGES = {
    "inbox": "consumer",
    "acknowledgement": "relay",
    "order": "relay",
    "piece": "http",
    "batch": "http",
    "webhook": "consumer",
    "refund": "consumer",
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
        case "webhook":
            taking_each_report_for_a_new_payment()
        case "refund":
            forgetting_reservations()


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


def taking_each_report_for_a_new_payment() -> None:
    """Take a payment as often as it is told."""
    capture = FeeAccount.capture

    def capture_again(account: FeeAccount, payment: Payment, at: datetime) -> bool:
        if any(each.id == payment.id for each in account.payments):
            payment = replace(payment, id=uuid4(), gateway_payment=f"{payment.gateway_payment} again {uuid4()}")
        return capture(account, payment, at)

    FeeAccount.capture = capture_again  # type: ignore[method-assign]


def forgetting_reservations() -> None:
    """Refund a surplus again whenever an account changes, as if no refund were under way."""

    def forgetful(account: FeeAccount) -> Money:
        return max(account.received - account.due, Money.zero(account.charged.currency))

    FeeAccount.surplus = property(forgetful)  # type: ignore[assignment]
