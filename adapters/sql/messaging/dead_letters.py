"""Stores and settles dead letters in SQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.messaging.tables import dead_letters
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.kernel.trace import Trace
from core.messaging.dead_letters import (
    MAX_TYPE_LENGTH,
    DeadLetters,
    DeadLetterState,
    LetterAlreadySettled,
    UnknownDeadLetter,
    reason_and_detail,
)
from core.messaging.message import Message


class SqlDeadLetters(DeadLetters):
    """The dead letters of one consumer, in a transaction of its inbox."""

    def __init__(self, consumer: str, connection: AsyncConnection, clock: Clock) -> None:
        self._consumer, self._connection, self._clock = consumer, connection, clock

    async def settle(self, letter: UUID, state: DeadLetterState, decision: Decision) -> Message:
        query = select(dead_letters).where(self._buried(letter)).with_for_update(skip_locked=True)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            raise await self._refusal(letter)
        await self._change(letter, decision, state=state)
        return message_of(row)

    async def record_failed_replay(self, letter: UUID, failure: Exception, decision: Decision) -> None:
        await self._change(letter, decision, tries=dead_letters.c.tries + 1, **reason_and_detail(failure))

    async def _change(self, letter: UUID, decision: Decision, **values: Any) -> None:
        handled = {"handled_at": self._clock.now(), "handled_by": decision.who, "why": decision.why}
        await self._connection.execute(update(dead_letters).where(self._buried(letter)).values(handled | values))

    def _buried(self, letter: UUID) -> ColumnElement[bool]:
        return is_letter(self._consumer, letter) & (dead_letters.c.state == DeadLetterState.BURIED)

    async def _refusal(self, letter: UUID) -> UnknownDeadLetter | LetterAlreadySettled:
        """Return why a dead letter cannot be settled: it is unknown, settled, or locked."""
        known = select(dead_letters.c.state, dead_letters.c.handled_at).where(is_letter(self._consumer, letter))
        row = (await self._connection.execute(known)).one_or_none()
        if row is None:
            return UnknownDeadLetter.with_id(letter)
        if row.state == DeadLetterState.BURIED:
            return LetterAlreadySettled("another request is settling it at this moment")
        return LetterAlreadySettled.since(row.state, row.handled_at)


def is_letter(consumer: str, letter: UUID) -> ColumnElement[bool]:
    """Return the condition for the key of one dead letter."""
    return (dead_letters.c.consumer == consumer) & (dead_letters.c.message_id == letter)


def dead_letter_row(consumer: str, message: Message, reason: Exception, at: datetime) -> dict[str, Any]:
    """Return the row of a buried message, with everything that a replay needs."""
    return {
        "consumer": consumer,
        "message_id": message.id,
        "context": message.context,
        "type": message.type[:MAX_TYPE_LENGTH],
        **reason_and_detail(reason),
        "origin": msgspec.json.encode(message.origin).decode(),
        "body": message.body,
        "at": at,
        "subject": message.subject,
        "version": message.version,
        "data_version": message.data_version,
        "arrived_at": message.at,
        "request_id": message.trace.request_id,
        "traceparent": message.trace.traceparent,
        "state": DeadLetterState.BURIED,
        "tries": 0,
        "handled_at": None,
        "handled_by": "",
        "why": "",
    }


def message_of(row: Row[Any]) -> Message:
    """Return the message of a dead letter."""
    return Message(
        id=row.message_id,
        type=row.type,
        context=row.context,
        subject=row.subject,
        version=row.version,
        data_version=row.data_version,
        at=row.arrived_at,
        body=bytes(row.body),
        trace=Trace(row.request_id, row.traceparent),
        origin=msgspec.json.decode(row.origin, type=dict[str, str]),
    )
