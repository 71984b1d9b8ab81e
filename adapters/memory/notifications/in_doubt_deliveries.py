"""Deliveries with an unknown outcome, and the list of deliveries, in the memory database."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.notifications.attempt_log import Attempt
from core.notifications.delivery import Delivery, DeliveryState
from core.notifications.delivery_list import DeliveryCursor, DeliveryFilter, DeliveryGroup, DeliverySummary
from core.notifications.messages import DeliveryId
from core.notifications.ports import DeliveryList, InDoubtDeliveries


class MemoryInDoubtDeliveries(InDoubtDeliveries):
    """Copies of deliveries; they need no row lock because one transaction runs at a time."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        known = self._work.database.deliveries.values()
        due = [each for each in known if each.state is DeliveryState.UNKNOWN and each.due_at <= now]
        return [copy(each) for each in sorted(due, key=lambda each: each.due_at)[:limit]]

    async def find(self, delivery: DeliveryId) -> Delivery | None:
        found = self._work.database.deliveries.get(delivery)
        reported = self._work.database.status_reports.get(delivery, ())
        return replace(copy(found), reported=reported) if found else None

    async def attempts(self, delivery: DeliveryId) -> Sequence[Attempt]:
        return self._work.database.attempts.get(delivery, ())

    async def save(self, delivery: Delivery) -> None:
        status_reports = self._work.database.status_reports.get(delivery.id, ()) + tuple(delivery.status_reports)
        delivery.status_reports.clear()
        self._work.undo_log.put(self._work.database.status_reports, delivery.id, status_reports)
        self._work.undo_log.put(self._work.database.deliveries, delivery.id, copy(delivery))


class MemoryDeliveryList(DeliveryList):
    """Deliveries by due time and id."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def count(self, search: DeliveryFilter) -> Sequence[DeliveryGroup]:
        counts = Counter((each.channel, each.template) for each in self._matching(search))
        return [
            DeliveryGroup(count=count, state=search.state, channel=channel, template=template)
            for (channel, template), count in sorted(counts.items())
        ]

    async def find(self, search: DeliveryFilter, after: DeliveryCursor | None, limit: int) -> Sequence[DeliverySummary]:
        found = [
            DeliverySummary.of(each)
            for each in self._matching(search)
            if after is None or DeliveryCursor(each.due_at, each.id) > after
        ]
        return sorted(found, key=lambda each: (each.due_at, each.id))[:limit]

    def _matching(self, search: DeliveryFilter) -> Sequence[Delivery]:
        return [
            each
            for each in self._database.deliveries.values()
            if each.state is search.state
            and search.channel in (None, each.channel)
            and search.template in (None, each.template)
            and search.due.since <= each.due_at < search.due.until
            and (search.vendor is None or any(a.vendor == search.vendor for a in self._attempts(each)))
        ]

    def _attempts(self, delivery: Delivery) -> Sequence[Attempt]:
        return self._database.attempts.get(delivery.id, ())


def copy(delivery: Delivery) -> Delivery:
    """Return a copy without unsaved attempts and reports."""
    return replace(delivery, unsaved_attempts=[], status_reports=[], reported=())
