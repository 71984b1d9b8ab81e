"""The event log in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import event_log
from adapters.sql.messaging.tables import dead_letters, inbox, replays
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.kernel.ids import Ids
from core.kernel.trace import Trace
from core.messaging.dead_letters import DeadLetterState
from core.messaging.event_log import EventLog, EventLogPage, EventReplay, LoggedEvent, LogPosition, in_version_order
from core.messaging.message import Message

PLACE = (event_log.c.at, event_log.c.event_id, event_log.c.aggregate_id, event_log.c.aggregate_version)


class SqlEventLog(EventLog):
    """Logged events, with whether one consumer handled or buried them."""

    def __init__(self, consumer: str, database: Database, clock: Clock, ids: Ids) -> None:
        self._consumer, self._database, self._clock, self._ids = consumer, database, clock, ids

    async def page(self, which: EventReplay, after: LogPosition | None, limit: int) -> EventLogPage:
        async with self._database.reading() as connection:
            beyond = [] if after is None else after_position(after)
            query = select(*PLACE).where(*selected_by(which), *beyond).order_by(event_log.c.at, event_log.c.event_id)
            page = [LogPosition(*row) for row in await connection.execute(query.limit(limit))]
            if not page:
                return EventLogPage([], None)
            theirs = event_log.c.aggregate_id.in_({place.subject for place in page})
            same_aggregate = [
                LogPosition(*row) for row in await connection.execute(select(*PLACE).where(*selected_by(which), theirs))
            ]
            return EventLogPage(await self._events(connection, in_version_order(page, same_aggregate)), page[-1])

    async def record_replay(self, which: EventReplay, decision: Decision) -> None:
        row = {
            "id": self._ids.new(),
            "consumer": self._consumer,
            "since": which.period.since,
            "until": which.period.until,
            "type": which.type or "",
            "send": which.send,
            "at": self._clock.now(),
            "who": decision.who,
            "why": decision.why,
        }
        async with self._database.writing() as connection:
            await connection.execute(insert(replays), row)
            await connection.commit()

    async def _events(self, connection: AsyncConnection, ids: Any) -> list[LoggedEvent]:
        came = (inbox.c.consumer == self._consumer) & (inbox.c.message_id == event_log.c.event_id)
        letter = (dead_letters.c.consumer == self._consumer) & (dead_letters.c.message_id == event_log.c.event_id)
        buried = letter & (dead_letters.c.state != DeadLetterState.REPLAYED)
        seen = inbox.c.at.label("came_at"), dead_letters.c.at.label("buried_at")
        query = select(event_log, *seen).outerjoin(inbox, came).outerjoin(dead_letters, buried)
        rows = await connection.execute(query.where(event_log.c.event_id.in_(ids)))
        found = {
            row.event_id: LoggedEvent(from_row(row[:-2]), row.came_at is not None, row.buried_at is not None)
            for row in rows
        }
        return [found[each] for each in ids]


def selected_by(which: EventReplay) -> list[ColumnElement[bool]]:
    """Return the conditions that choose the events of a replay."""
    period = [event_log.c.at >= which.period.since, event_log.c.at < which.period.until]
    return period if which.type is None else [*period, event_log.c.type == which.type]


def after_position(place: LogPosition) -> list[ColumnElement[bool]]:
    """Return the conditions for events after a position; MySQL uses no index for `(at, id) > (…)`."""
    at, event = event_log.c.at, event_log.c.event_id
    return [at >= place.at, (at > place.at) | (event > place.event)]


def from_row(row: Sequence[Any]) -> Message:
    """Return the message of a row of the log."""
    event, context, kind, aggregate, version, at, body, request_id, traceparent, _actor, kept = row
    return Message(
        id=event,
        type=kind,
        context=context,
        subject=aggregate,
        version=version,
        at=at,
        body=body.encode(),
        kept=(kept or "").encode(),
        trace=Trace(request_id, traceparent),
    )
