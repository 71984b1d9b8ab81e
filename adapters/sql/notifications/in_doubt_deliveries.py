"""Deliveries with an unknown outcome, and the list of deliveries, in SQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, select, update

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.notifications.deliveries import MAX_TEXT_LENGTH, changing, due, from_row
from adapters.sql.notifications.tables import deliveries, delivery_attempts, delivery_findings
from core.notifications.attempt_log import Attempt, AttemptOutcome
from core.notifications.delivery import Channel, Delivery, DeliveryState
from core.notifications.delivery_list import DeliveryCursor, DeliveryFilter, DeliveryGroup, DeliverySummary
from core.notifications.messages import DeliveryId
from core.notifications.ports import DeliveryList, InDoubtDeliveries
from core.notifications.status_reports import DeliveryStatus, StatusReport


class SqlInDoubtDeliveries(InDoubtDeliveries):
    """Deliveries, read with a lock of their row."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        found: list[Delivery] = []
        for channel in Channel:  # the index begins with the state and the channel
            rest = limit - len(found)
            found += await due(await self._work.connect(), rest, state=DeliveryState.UNKNOWN, channel=channel, now=now)
        return found

    async def find(self, delivery: DeliveryId) -> Delivery | None:
        query = select(deliveries).where(deliveries.c.id == delivery).with_for_update()
        connection = await self._work.connect()
        row = (await connection.execute(query)).first()
        if row is None:
            return None
        reports = select(delivery_findings).where(delivery_findings.c.delivery_id == delivery)
        found = from_row(row)
        found.reported = [
            StatusReport(
                at=each.at,
                learnt=DeliveryStatus(each.learnt),
                vendor=each.vendor,
                vendor_id=each.vendor_id,
                detail=each.detail,
            )
            for each in await connection.execute(reports)
        ]
        return found

    async def attempts(self, delivery: DeliveryId) -> Sequence[Attempt]:
        query = select(delivery_attempts).where(delivery_attempts.c.delivery_id == delivery)
        rows = await (await self._work.connect()).execute(
            query.order_by(delivery_attempts.c.at, delivery_attempts.c.number)
        )
        return [
            Attempt(at=row.at, vendor=row.vendor, outcome=AttemptOutcome(row.outcome), detail=row.detail)
            for row in rows
        ]

    async def save(self, delivery: Delivery) -> None:
        values = changing(delivery) | {
            "in_doubt_since": delivery.in_doubt_since,
            "expires_at": delivery.expires_at,
        }
        await (await self._work.connect()).execute(
            update(deliveries).where(deliveries.c.id == delivery.id).values(values)
        )
        for finding in delivery.status_reports:
            row = asdict(finding) | {"delivery_id": delivery.id, "id": self._work.ids.new()}
            self._work.insert(delivery_findings, row | {"detail": finding.detail[:MAX_TEXT_LENGTH]})
        delivery.status_reports.clear()


class SqlDeliveryList(DeliveryList):
    """Deliveries by due time and id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, search: DeliveryFilter) -> Sequence[DeliveryGroup]:
        found: list[DeliveryGroup] = []
        async with browsing(self._database) as connection:
            for channel in [search.channel] if search.channel else Channel:
                matches = matching(select(deliveries.c.template, func.count().label("matches")), search, channel)
                rows = await connection.execute(matches.group_by(deliveries.c.template).order_by(deliveries.c.template))
                found += [
                    DeliveryGroup(count=row.matches, state=search.state, channel=channel, template=row.template)
                    for row in rows
                ]
        return found

    async def find(self, search: DeliveryFilter, after: DeliveryCursor | None, limit: int) -> Sequence[DeliverySummary]:
        found: list[Delivery] = []
        async with browsing(self._database) as connection:
            for channel in [search.channel] if search.channel else Channel:
                rows = await connection.execute(page_of(search, channel, after).limit(limit))
                found += [from_row(row) for row in rows]
        summaries = [DeliverySummary.of(delivery) for delivery in found]
        return sorted(summaries, key=lambda each: (each.due_at, each.id))[:limit]


def page_of(search: DeliveryFilter, channel: Channel, after: DeliveryCursor | None) -> Select[Any]:
    """Select the matches on one channel; the index begins with state and channel."""
    query = matching(select(deliveries), search, channel)
    if after is not None:
        behind = (deliveries.c.due_at > after.due_at) | (deliveries.c.id > after.id)
        query = query.where((deliveries.c.due_at >= after.due_at) & behind)
    return query.order_by(deliveries.c.due_at, deliveries.c.id)


def matching(query: Select[Any], search: DeliveryFilter, channel: Channel) -> Select[Any]:
    """Restrict a query of deliveries to the matches on one channel."""
    query = query.where((deliveries.c.state == search.state) & (deliveries.c.channel == channel))
    query = query.where(deliveries.c.due_at >= search.due.since, deliveries.c.due_at < search.due.until)
    if search.template is not None:
        query = query.where(deliveries.c.template == search.template)
    if search.vendor is not None:
        called = (delivery_attempts.c.delivery_id == deliveries.c.id) & (delivery_attempts.c.vendor == search.vendor)
        query = query.where(exists().where(called))
    return query
