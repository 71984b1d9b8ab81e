"""Deliveries in the memory database; stores and returns copies, so that a caller cannot change a stored one."""

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import partial

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.notifications.attempt_log import AttemptOutcome
from core.notifications.delivery import FINAL_STATES, Channel, Delivery, DeliveryState
from core.notifications.messages import DeliveryId
from core.notifications.ports import (
    DELIVERIES_STORED,
    Deliveries,
    DueDeliveries,
    ExpiringDeliveries,
    ReportedDeliveries,
    RestoredDeliveries,
)
from core.notifications.status_reports import DeliveryStatus, reported_since_decision


class MemoryDeliveries(Deliveries):
    """Deliveries by id."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    def add(self, delivery: Delivery) -> None:
        self._work.inserts.append(partial(self._add, copy(delivery)))
        self._work.wake(DELIVERIES_STORED)

    async def claim(self, channel: Channel, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        claimed = self._due(now, limit, DeliveryState.PENDING, channel)
        for delivery in claimed:
            delivery.claim(until)
        await self.save(claimed)
        for delivery in claimed:
            delivery.stored_as = delivery.state, delivery.due_at
        return claimed

    async def save(self, changed: Sequence[Delivery]) -> None:
        for delivery in changed:
            attempts = self._work.database.attempts.get(delivery.id, ()) + tuple(delivery.unsaved_attempts)
            self._work.undo_log.put(self._work.database.attempts, delivery.id, attempts)
            found = self._work.database.deliveries[delivery.id]
            still_claimed = (found.state, found.due_at) == delivery.stored_as
            if still_claimed or (delivery.state is DeliveryState.SENT and found.state not in FINAL_STATES):
                self._work.undo_log.put(
                    self._work.database.deliveries, delivery.id, replace(delivery, unsaved_attempts=[])
                )

    async def expired_claims(self, now: datetime, limit: int) -> Sequence[Delivery]:
        return self._due(now, limit, DeliveryState.SENDING, *Channel)

    def _add(self, delivery: Delivery) -> None:
        same_channel = (each for each in self._work.database.deliveries.values() if each.channel is delivery.channel)
        if all(each.notice != delivery.notice for each in same_channel):
            self._work.undo_log.put(self._work.database.deliveries, delivery.id, delivery)

    def _due(self, now: datetime, limit: int, state: DeliveryState, *channels: Channel) -> list[Delivery]:
        """Return copies of the first due deliveries; a pending one that has expired is not sent any more."""
        those = [
            each
            for each in self._work.database.deliveries.values()
            if each.state is state and each.channel in channels and each.due_at <= now
        ]
        if state is DeliveryState.PENDING:
            those = [each for each in those if each.expires_at is None or each.expires_at > now]
        due = sorted(those, key=lambda each: each.due_at)[:limit]
        return [replace(each, unsaved_attempts=[], stored_as=(each.state, each.due_at)) for each in due]


class MemoryExpiringDeliveries(ExpiringDeliveries):
    """Finds expired deliveries by a scan."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        pending = (e for e in self._work.database.deliveries.values() if e.state is DeliveryState.PENDING)
        expired = [each for each in pending if each.expires_at is not None and each.expires_at <= now]
        return [replace(each, unsaved_attempts=[], stored_as=(each.state, each.due_at)) for each in expired[:limit]]


class MemoryReportedDeliveries(ReportedDeliveries):
    """Reads the stored attempts and status reports."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def among(self, deliveries: Collection[DeliveryId]) -> Collection[DeliveryId]:
        told: list[tuple[DeliveryId, datetime, str]] = []
        for each in deliveries:
            told += [(each, report.at, report.learnt) for report in self._database.status_reports.get(each, ())]
            attempts = self._database.attempts.get(each, ())
            told += [
                (each, made.at, DeliveryStatus.FOUND) for made in attempts if made.outcome is AttemptOutcome.ACCEPTED
            ]
        return reported_since_decision(told)


class MemoryRestoredDeliveries(RestoredDeliveries):
    """A database in memory is never restored; the promise holds all the same."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def doubt(self, since: datetime, now: datetime) -> int:
        waiting = [each for each in self._database.deliveries.values() if each.state is DeliveryState.PENDING]
        for each in waiting:
            each.state, each.in_doubt_since, each.due_at = DeliveryState.UNKNOWN, since, now
            each.reason = "pending when the database was restored"
        return len(waiting)


class MemoryDueDeliveries(DueDeliveries):
    """Finds the next due delivery by a scan."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def next_due_at(self, channel: Channel) -> datetime | None:
        waiting = (each for each in self._database.deliveries.values() if each.state is DeliveryState.PENDING)
        return min((each.due_at for each in waiting if each.channel is channel), default=None)
