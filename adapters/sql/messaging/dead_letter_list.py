"""Lists and counts dead letters in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from adapters.sql.messaging.dead_letters import is_letter, message_of
from adapters.sql.messaging.tables import dead_letters
from core.messaging.dead_letters import (
    DeadLetter,
    DeadLetterFilter,
    DeadLetterGroup,
    DeadLetterList,
    DeadLetterState,
    UnknownDeadLetter,
)
from core.messaging.message import Message

c = dead_letters.c
KINDS = (c.context, c.type, c.reason)
SEEN = (c.message_id, c.at, *KINDS, c.detail, c.state, c.tries, c.handled_at, c.handled_by, c.why)
"""The columns of a list, without the body, which may be megabytes."""


class SqlDeadLetterList(DeadLetterList):
    """The dead letters of one consumer, read without locks."""

    def __init__(self, consumer: str, database: Database) -> None:
        self._consumer, self._database = consumer, database

    async def find(self, letter: UUID) -> tuple[DeadLetter, Message] | None:
        async with self._database.reading() as connection:
            query = select(dead_letters).where(is_letter(self._consumer, letter))
            row = (await connection.execute(query)).one_or_none()
        return (letter_of(row), message_of(row)) if row else None

    async def newest(self, which: DeadLetterFilter, after: UUID | None, limit: int) -> Sequence[DeadLetter]:
        query = self._selected(which).order_by(c.at.desc(), c.message_id.desc())
        async with browsing(self._database) as connection:
            if after is not None:
                at = await self._burial(connection, after)
                query = query.where(c.at <= at, (c.at < at) | (c.message_id < after))
            return [letter_of(row) for row in await connection.execute(query.limit(limit))]

    async def oldest(self, which: DeadLetterFilter, after: UUID | None, limit: int) -> Sequence[DeadLetter]:
        query = self._selected(which).order_by(c.at, c.message_id)
        async with browsing(self._database) as connection:
            if after is not None:
                at = await self._burial(connection, after)
                query = query.where(c.at >= at, (c.at > at) | (c.message_id > after))
            return [letter_of(row) for row in await connection.execute(query.limit(limit))]

    async def count(self, which: DeadLetterFilter) -> Sequence[DeadLetterGroup]:
        number = func.count()
        query = select(*KINDS, number.label("number")).where(*self._wanted(which)).group_by(*KINDS)
        async with browsing(self._database) as connection:
            rows = await connection.execute(query.order_by(number.desc(), *KINDS))
            return [
                DeadLetterGroup(context=row.context, type=row.type, reason=row.reason, count=row.number) for row in rows
            ]

    async def _burial(self, connection: AsyncConnection, letter: UUID) -> datetime:
        """Return when a dead letter was buried, for the page after it; raise `UnknownDeadLetter`."""
        at: datetime | None = await connection.scalar(select(c.at).where(is_letter(self._consumer, letter)))
        if at is None:
            raise UnknownDeadLetter.to_continue_after(letter)
        return at

    def _selected(self, which: DeadLetterFilter) -> Select[Any]:
        return select(*SEEN).where(*self._wanted(which))

    def _wanted(self, which: DeadLetterFilter) -> list[ColumnElement[bool]]:
        names = [c[name] == text for name, text in which.names.items()]
        own = [c.consumer == self._consumer, c.state == which.state]
        return [*own, c.at >= which.buried.since, c.at < which.buried.until, *names]


def letter_of(row: Row[Any]) -> DeadLetter:
    """Return the dead letter of a row."""
    return DeadLetter(
        id=row.message_id,
        context=row.context,
        type=row.type,
        reason=row.reason,
        detail=row.detail,
        buried_at=row.at,
        state=DeadLetterState(row.state),
        tries=row.tries,
        handled_at=row.handled_at,
        handled_by=row.handled_by,
        why=row.why,
    )
