"""Looking into deliveries in a dictionary."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.memory.database import Store, Transaction
from core.notifications.attempt_log import Attempt
from core.notifications.delivery import Delivery, DeliveryState
from core.notifications.delivery_list import DeliveryCursor, DeliveryFilter, DeliverySummary
from core.notifications.messages import DeliveryId
from core.notifications.ports import DeliveryList, InDoubtDeliveries


class MemoryInDoubtDeliveries(InDoubtDeliveries):
    """Copies of deliveries; the one transaction there is at a time keeps everybody else away."""

    def __init__(self, store: Store, transaction: Transaction) -> None:
        self._database, self._transaction = store, transaction

    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        known = self._database.deliveries.values()
        due = [each for each in known if each.state is DeliveryState.UNKNOWN and each.due_at <= now]
        return [copy(each) for each in sorted(due, key=lambda each: each.due_at)[:limit]]

    async def find(self, delivery: DeliveryId) -> Delivery | None:
        found = self._database.deliveries.get(delivery)
        return copy(found) if found else None

    async def attempts(self, delivery: DeliveryId) -> Sequence[Attempt]:
        return self._database.attempts.get(delivery, ())

    async def save(self, delivery: Delivery) -> None:
        findings = self._database.findings.get(delivery.id, ()) + tuple(delivery.findings)
        delivery.findings.clear()
        self._transaction.put(self._database.findings, delivery.id, findings)
        self._transaction.put(self._database.deliveries, delivery.id, copy(delivery))


class MemoryDeliveryList(DeliveryList):
    """Deliveries in order."""

    def __init__(self, store: Store) -> None:
        self._database = store

    async def find(self, search: DeliveryFilter, after: DeliveryCursor | None, limit: int) -> Sequence[DeliverySummary]:
        found = [
            DeliverySummary.of(each)
            for each in self._database.deliveries.values()
            if each.state is search.state
            and search.channel in (None, each.channel)
            and search.due.since <= each.due_at < search.due.until
            and (after is None or DeliveryCursor(each.due_at, each.id) > after)
        ]
        return sorted(found, key=lambda each: (each.due_at, each.id))[:limit]


def copy(delivery: Delivery) -> Delivery:
    """Return one that can be changed without changing what is stored."""
    return replace(delivery, made=[], findings=[])
