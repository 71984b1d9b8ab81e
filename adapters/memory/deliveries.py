"""Deliveries in a dictionary.  Copies go in and out, so that nobody changes one by accident."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import partial

from adapters.memory.database import Store, Transaction
from core.notifications.delivery import FINAL_STATES, Channel, Delivery, DeliveryState
from core.notifications.ports import Deliveries, DueDeliveries


class MemoryDeliveries(Deliveries):
    """Deliveries by id."""

    def __init__(self, store: Store, transaction: Transaction, inserts: list[Callable[[], None]]) -> None:
        self._database, self._transaction, self._inserts = store, transaction, inserts

    def add(self, delivery: Delivery) -> None:
        self._inserts.append(partial(self._add, copy(delivery)))

    async def claim(self, channel: Channel, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        claimed = self._due(now, limit, DeliveryState.PENDING, channel)
        for delivery in claimed:
            delivery.claim(until)
        await self.save(claimed)
        for delivery in claimed:
            delivery.stored = delivery.state, delivery.due_at
        return claimed

    async def save(self, changed: Sequence[Delivery]) -> None:
        for delivery in changed:
            attempts = self._database.attempts.get(delivery.id, ()) + tuple(delivery.made)
            self._transaction.put(self._database.attempts, delivery.id, attempts)
            found = self._database.deliveries[delivery.id]
            ours = (found.state, found.due_at) == delivery.stored
            if ours or (delivery.state is DeliveryState.SENT and found.state not in FINAL_STATES):
                self._transaction.put(self._database.deliveries, delivery.id, replace(delivery, made=[]))

    async def expired_claims(self, now: datetime, limit: int) -> Sequence[Delivery]:
        return self._due(now, limit, DeliveryState.SENDING, *Channel)

    def _add(self, delivery: Delivery) -> None:
        key = delivery.notice, delivery.channel
        if all((each.notice, each.channel) != key for each in self._database.deliveries.values()):
            self._transaction.put(self._database.deliveries, delivery.id, delivery)

    def _due(self, now: datetime, limit: int, state: DeliveryState, *channels: Channel) -> list[Delivery]:
        those = (
            each for each in self._database.deliveries.values() if each.state is state and each.channel in channels
        )
        due = sorted((each for each in those if each.due_at <= now), key=lambda each: each.due_at)
        return [replace(each, made=[], stored=(each.state, each.due_at)) for each in due[:limit]]


class MemoryDueDeliveries(DueDeliveries):
    """The waiting deliveries, looked through."""

    def __init__(self, store: Store) -> None:
        self._database = store

    async def next_due_at(self, channel: Channel) -> datetime | None:
        waiting = (each for each in self._database.deliveries.values() if each.state is DeliveryState.PENDING)
        return min((each.due_at for each in waiting if each.channel is channel), default=None)
