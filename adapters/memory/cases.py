"""Looking into deliveries in a dictionary."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.memory.store import Store, Transaction
from core.notifications.delivery import Delivery, DeliveryState
from core.notifications.journal import Attempt
from core.notifications.messages import DeliveryId
from core.notifications.ports import Cases, DeliveryList
from core.notifications.summary import DeliverySummary, Place, Search


class MemoryCases(Cases):
    """Copies of deliveries; the one transaction there is at a time keeps everybody else away."""

    def __init__(self, store: Store, transaction: Transaction) -> None:
        self._store, self._transaction = store, transaction

    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        known = self._store.deliveries.values()
        due = [each for each in known if each.state is DeliveryState.UNKNOWN and each.due_at <= now]
        return [copy(each) for each in sorted(due, key=lambda each: each.due_at)[:limit]]

    async def find(self, delivery: DeliveryId) -> Delivery | None:
        found = self._store.deliveries.get(delivery)
        return copy(found) if found else None

    async def attempts(self, delivery: DeliveryId) -> Sequence[Attempt]:
        return self._store.attempts.get(delivery, ())

    async def save(self, delivery: Delivery) -> None:
        findings = self._store.findings.get(delivery.id, ()) + tuple(delivery.findings)
        delivery.findings.clear()
        self._transaction.put(self._store.findings, delivery.id, findings)
        self._transaction.put(self._store.deliveries, delivery.id, copy(delivery))


class MemoryDeliveryList(DeliveryList):
    """Deliveries in order."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, search: Search, after: Place | None, limit: int) -> Sequence[DeliverySummary]:
        found = [
            DeliverySummary.of(each)
            for each in self._store.deliveries.values()
            if each.state is search.state
            and search.channel in (None, each.channel)
            and search.due.since <= each.due_at < search.due.until
            and (after is None or Place(each.due_at, each.id) > after)
        ]
        return sorted(found, key=lambda each: (each.due_at, each.id))[:limit]


def copy(delivery: Delivery) -> Delivery:
    """Return one that can be changed without changing what is stored."""
    return replace(delivery, made=[], findings=[])
