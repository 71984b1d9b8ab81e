"""Claims and stores deliveries in SQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Dialect, Insert, Row, and_, bindparam, func, select, text, update
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from adapters.sql.engine.inserts import UPSERT
from adapters.sql.engine.tables import insert_ignore
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.notifications.tables import deliveries, delivery_attempts, delivery_findings
from core.kernel.trace import Trace
from core.notifications.attempt_log import Attempt, AttemptOutcome
from core.notifications.delivery import FINAL_STATES, Channel, Delivery, DeliveryState, RecipientId
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

MAX_TEXT_LENGTH = 500
ATTEMPT = tuple(field.name for field in fields(Attempt))
FINAL = ", ".join(repr(state.value) for state in FINAL_STATES)
SAVE = text(
    # One statement for different rows, joined by the primary key: for `id IN (…)` MySQL may scan the table, and a
    # scan waits for every uncommitted row of other dispatchers.
    "UPDATE JSON_TABLE(:rows, '$[*]' COLUMNS (id CHAR(36) PATH '$.key', state VARCHAR(16) PATH '$.state',"  # noqa: S608
    " attempts INT PATH '$.attempts', due_at DATETIME(6) PATH '$.due_at', reason VARCHAR(500) PATH '$.reason',"
    " old_state VARCHAR(16) PATH '$.old_state', old_due_at DATETIME(6) PATH '$.old_due_at')) saved"
    " STRAIGHT_JOIN deliveries ON deliveries.id = UUID_TO_BIN(saved.id) SET deliveries.state = saved.state,"
    " deliveries.attempts = saved.attempts, deliveries.due_at = saved.due_at, deliveries.reason = saved.reason"
    " WHERE (deliveries.state = saved.old_state AND deliveries.due_at = saved.old_due_at)"
    f" OR (saved.state = 'sent' AND deliveries.state NOT IN ({FINAL}))"
)
DUE = (
    select(deliveries)
    .where((deliveries.c.state == bindparam("state")) & (deliveries.c.channel == bindparam("channel")))
    .where(deliveries.c.due_at <= bindparam("now"))
    .order_by(deliveries.c.due_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
    # A sort would lock every due row and leave none to other dispatchers.
    .with_hint(deliveries, "FORCE INDEX (ix_deliveries_due)", "mysql")
)
DUE_UNEXPIRED = DUE.where(deliveries.c.expires_at.is_(None) | (deliveries.c.expires_at > bindparam("now")))
STILL_CLAIMED = (deliveries.c.state == bindparam("old_state")) & (deliveries.c.due_at == bindparam("old_due_at"))
ACCEPTED = and_(bindparam("new_state") == DeliveryState.SENT, *(deliveries.c.state != state for state in FINAL_STATES))
SAVE_ONE = update(deliveries).where((deliveries.c.id == bindparam("key")) & (STILL_CLAIMED | ACCEPTED))


class SqlDeliveries(Deliveries):
    """Deliveries as rows; dispatchers skip rows that others have locked."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    def add(self, delivery: Delivery) -> None:
        row = {
            "id": delivery.id,
            "notice_id": delivery.notice,
            "about_id": delivery.about,
            "student_id": delivery.recipient,
            "channel": delivery.channel,
            "template": delivery.template,
            "facts": msgspec.json.encode(delivery.facts).decode(),
            "request_id": delivery.trace.request_id,
            "traceparent": delivery.trace.traceparent,
            "expires_at": delivery.expires_at,
        }
        self._work.insert(deliveries, row | changing(delivery))
        self._work.wake(DELIVERIES_STORED)

    async def claim(self, channel: Channel, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        parameters = {"state": DeliveryState.PENDING, "channel": channel, "now": now, "limit": limit}
        rows = await (await self._work.connect()).execute(DUE_UNEXPIRED, parameters)
        claimed = [from_row(row) for row in rows]
        for delivery in claimed:
            delivery.claim(until)
        await self.save(claimed)
        for delivery in claimed:
            delivery.stored_as = delivery.state, delivery.due_at
        return claimed

    async def save(self, changed: Sequence[Delivery]) -> None:
        if not changed:
            return
        for delivery in changed:
            self._note(delivery)
        rows = [change(each) for each in changed]
        connection = await self._work.connect()
        if connection.dialect.name == "mysql":
            await connection.execute(SAVE, {"rows": as_json(rows)})
        else:
            await connection.execute(SAVE_ONE, rows)

    async def expired_claims(self, now: datetime, limit: int) -> Sequence[Delivery]:
        return [
            delivery
            for channel in Channel
            for delivery in await self._due(limit, state=DeliveryState.SENDING, channel=channel, now=now)
        ]

    async def _due(self, limit: int, *, state: DeliveryState, channel: Channel, now: datetime) -> list[Delivery]:
        return await due(await self._work.connect(), limit, state=state, channel=channel, now=now)

    def _note(self, delivery: Delivery) -> None:
        before = delivery.attempts - len(delivery.unsaved_attempts)
        for number, attempt in enumerate(delivery.unsaved_attempts, before + 1):
            row = {name: getattr(attempt, name) for name in ATTEMPT} | {"delivery_id": delivery.id, "number": number}
            self._work.insert(delivery_attempts, row | {"detail": brief(attempt.detail)})


def add_missing(dialect: Dialect) -> Insert:
    """Return an insert that keeps an existing delivery of a notice and channel; `IGNORE` would hide other errors."""
    if dialect.name == "mysql":
        return mysql.insert(deliveries).on_duplicate_key_update({"id": deliveries.c.id})
    return sqlite.insert(deliveries).on_conflict_do_nothing(index_elements=["notice_id", "channel"])


deliveries.info[UPSERT] = add_missing
delivery_attempts.info[UPSERT] = lambda _: insert_ignore(delivery_attempts)


async def due(
    connection: AsyncConnection, limit: int, *, state: DeliveryState, channel: Channel, now: datetime
) -> list[Delivery]:
    """Lock and return due deliveries, the longest due first; skips locked rows."""
    rows = await connection.execute(DUE, {"state": state, "channel": channel, "now": now, "limit": limit})
    return [from_row(row) for row in rows]


class SqlDueDeliveries(DueDeliveries):
    """Finds the next due delivery by an index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next_due_at(self, channel: Channel) -> datetime | None:
        waiting = (deliveries.c.state == DeliveryState.PENDING) & (deliveries.c.channel == channel)
        async with self._database.reading() as connection:
            first: datetime | None = await connection.scalar(select(func.min(deliveries.c.due_at)).where(waiting))
        return first


class SqlReportedDeliveries(ReportedDeliveries):
    """Reads accepted attempts and findings by the primary keys of their tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def among(self, deliveries: Collection[DeliveryId]) -> Collection[DeliveryId]:
        findings, attempts = delivery_findings.c, delivery_attempts.c
        found = select(findings.delivery_id, findings.at, findings.learnt).where(findings.delivery_id.in_(deliveries))
        made = select(attempts.delivery_id, attempts.at).where(attempts.delivery_id.in_(deliveries))
        async with self._database.reading() as connection:
            told = [(row.delivery_id, row.at, row.learnt) for row in await connection.execute(found)]
            accepted = await connection.execute(made.where(attempts.outcome == AttemptOutcome.ACCEPTED))
            told += [(row.delivery_id, row.at, DeliveryStatus.FOUND.value) for row in accepted]
        return reported_since_decision(told)


class SqlRestoredDeliveries(RestoredDeliveries):
    """One statement: no process serves while it runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def doubt(self, since: datetime, now: datetime) -> int:
        values = {"in_doubt_since": since, "due_at": now, "reason": "pending when the database was restored"}
        change = update(deliveries).where(deliveries.c.state == DeliveryState.PENDING.value)
        async with self._database.autocommit() as connection:
            return (await connection.execute(change.values(state=DeliveryState.UNKNOWN.value, **values))).rowcount


class SqlExpiringDeliveries(ExpiringDeliveries):
    """Finds pending rows by their expiry."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        query = select(deliveries).where(deliveries.c.state == DeliveryState.PENDING, deliveries.c.expires_at <= now)
        query = query.order_by(deliveries.c.expires_at).limit(limit).with_for_update(skip_locked=True)
        query = query.with_hint(deliveries, "FORCE INDEX (ix_deliveries_expiry)", "mysql")
        return [from_row(row) for row in await (await self._work.connect()).execute(query)]


def brief(reason: str) -> str:
    """Cut a text to the length of its column."""
    return reason[:MAX_TEXT_LENGTH]


def changing(delivery: Delivery) -> dict[str, Any]:
    """Return the columns that change over the life of a delivery."""
    return {
        "state": delivery.state,
        "attempts": delivery.attempts,
        "due_at": delivery.due_at,
        "reason": brief(delivery.reason),
    }


def change(delivery: Delivery) -> dict[str, Any]:
    """Return the new columns of a delivery, and the stored ones that the update requires."""
    old_state, old_due_at = delivery.stored_as or (DeliveryState.PENDING, delivery.due_at)
    was = {"key": delivery.id, "old_state": old_state, "old_due_at": old_due_at}
    return changing(delivery) | {"new_state": delivery.state} | was


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Encode rows as JSON, with times in MySQL's format."""

    def plain(value: Any) -> Any:
        return value.astimezone(UTC).isoformat(" ", "microseconds")[:-6] if isinstance(value, datetime) else value

    return msgspec.json.encode([{name: plain(value) for name, value in row.items()} for row in rows]).decode()


def from_row(row: Row[Any]) -> Delivery:
    """Return the delivery of a row."""
    return Delivery(
        id=DeliveryId(row.id),
        notice=row.notice_id,
        about=row.about_id,
        recipient=RecipientId(row.student_id),
        channel=Channel(row.channel),
        template=row.template,
        facts=msgspec.json.decode(row.facts),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        reason=row.reason,
        trace=Trace(row.request_id, row.traceparent),
        stored_as=(DeliveryState(row.state), row.due_at),
        in_doubt_since=row.in_doubt_since,
        expires_at=row.expires_at,
    )
