"""Adjustments in SQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.payments.tables import adjustments
from core.kernel.money import Money
from core.payments.adjustment import Adjustment, AdjustmentState, HeadChange
from core.payments.ports import AdjustmentRecords, Adjustments

SAME = ("id", "reference", "schedule", "version", "asked_by", "proposed_at", "decided_by", "decided_at", "why")


class SqlAdjustments(Adjustments):
    """Rows of one table."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def of(self, submissions: Collection[UUID]) -> Mapping[UUID, Sequence[Adjustment]]:
        found = defaultdict[UUID, list[Adjustment]](list)
        query = select(adjustments).where(adjustments.c.submission_id.in_(submissions))
        for row in await (await self._work.connect()).execute(query):
            found[row.submission_id].append(as_adjustment(row))
        return found

    def save(self, adjustment: Adjustment) -> None:
        self._work.change(adjustments, as_row(adjustment))


class SqlAdjustmentRecords(AdjustmentRecords):
    """Reads of committed rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, state: AdjustmentState, after: UUID | None, limit: int) -> Sequence[Adjustment]:
        query = select(adjustments).where(adjustments.c.state == state)
        if after:
            query = query.where(adjustments.c.id > after)
        async with browsing(self._database) as connection:
            rows = await connection.execute(query.order_by(adjustments.c.id).limit(limit))
            return [as_adjustment(row) for row in rows]

    async def submissions_of(self, wanted: Collection[UUID]) -> Mapping[UUID, UUID]:
        query = select(adjustments.c.id, adjustments.c.submission_id).where(adjustments.c.id.in_(wanted))
        async with self._database.reading() as connection:
            return {row.id: row.submission_id for row in await connection.execute(query)}


def as_row(adjustment: Adjustment) -> dict[str, Any]:
    """Return the columns of an adjustment."""
    return {name: getattr(adjustment, name) for name in SAME} | {
        "submission_id": adjustment.submission,
        "state": adjustment.state,
        "currency": adjustment.before.currency,
        "before_minor": adjustment.before.minor,
        "amount_minor": adjustment.amount.minor,
        "heads": msgspec.json.encode(adjustment.heads).decode(),
    }


def as_adjustment(row: Row[Any]) -> Adjustment:
    """Rebuild an adjustment from columns."""
    return Adjustment(
        **{name: getattr(row, name) for name in SAME},
        submission=row.submission_id,
        state=AdjustmentState(row.state),
        before=Money(row.before_minor, row.currency),
        heads=msgspec.json.decode(row.heads, type=tuple[HeadChange, ...]),
    )
