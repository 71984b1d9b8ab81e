"""Exceptions of settlement files in SQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Dialect, Insert, Row, exists, select, update
from sqlalchemy.dialects import mysql, sqlite

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from adapters.sql.engine.inserts import UPSERT
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.settlements.tables import settlement_exceptions, settlement_lines
from core.kernel.money import Money
from core.settlements.ports import ExceptionList, SettlementExceptions
from core.settlements.settlement_line import ExceptionKind, ExceptionState, SettlementException

SAME = ("id", "gateway", "bank", "kind", "name", "settlement", "at", "state", "decided_by", "why")


class SqlSettlementExceptions(SettlementExceptions):
    """Rows of one table."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def lock(self, exception: UUID) -> SettlementException | None:
        wanted = select(settlement_exceptions).where(settlement_exceptions.c.id == exception).with_for_update()
        found = (await (await self._work.connect()).execute(wanted)).one_or_none()
        return as_exception(found) if found else None

    def add(self, exception: SettlementException) -> None:
        self._work.insert(settlement_exceptions, as_row(exception))

    def save(self, exception: SettlementException) -> None:
        self._work.change(settlement_exceptions, as_row(exception))

    async def close_found(self) -> None:
        missing = settlement_exceptions.c.kind == ExceptionKind.MISSING_THERE
        is_open = settlement_exceptions.c.state == ExceptionState.OPEN
        has_line = exists().where(settlement_lines.c.about_id == settlement_exceptions.c.about_id)
        closed = update(settlement_exceptions).where(is_open, missing, has_line).values(state=ExceptionState.FOUND)
        await (await self._work.connect()).execute(closed)


class SqlExceptionList(ExceptionList):
    """Reads of committed rows, without locks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, state: ExceptionState, kind: ExceptionKind | None, after: UUID | None, limit: int
    ) -> Sequence[SettlementException]:
        query = select(settlement_exceptions).where(settlement_exceptions.c.state == state)
        if kind is not None:
            query = query.where(settlement_exceptions.c.kind == kind)
        if after is not None:
            query = query.where(settlement_exceptions.c.id > after)
        async with browsing(self._database) as connection:
            rows = await connection.execute(query.order_by(settlement_exceptions.c.id).limit(limit))
            return [as_exception(row) for row in rows]


def as_row(found: SettlementException) -> dict[str, Any]:
    """Return the columns of an exception."""
    return {name: getattr(found, name) for name in SAME} | {
        "about_id": found.about,
        "currency": found.amount.currency,
        "amount_minor": found.amount.minor,
        "fees_minor": found.fees.minor,
    }


def as_exception(row: Row[Any]) -> SettlementException:
    """Rebuild an exception from columns."""
    told: dict[str, Any] = {name: getattr(row, name) for name in SAME}
    told |= {"kind": ExceptionKind(row.kind), "state": ExceptionState(row.state)}
    told |= {"amount": Money(row.amount_minor, row.currency), "fees": Money(row.fees_minor, row.currency)}
    return SettlementException(about=row.about_id, **told)


def add_missing(dialect: Dialect) -> Insert:
    """Return an insert that keeps an existing exception."""
    if dialect.name == "mysql":
        return mysql.insert(settlement_exceptions).on_duplicate_key_update({"id": settlement_exceptions.c.id})
    return sqlite.insert(settlement_exceptions).on_conflict_do_nothing(index_elements=["id"])


settlement_exceptions.info[UPSERT] = add_missing
