"""The chain of audit seals in SQL."""

from collections.abc import Collection, Sequence
from functools import reduce
from operator import add
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, delete, func, insert, literal, select, type_coerce
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.audit.tables import audit_seals
from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import audit_records, audit_unsealed
from core.audit.chain import EMPTY_CHAIN, Head, seal
from core.audit.ports import AuditChain, Link, Stray, Strays
from core.kernel.audit import FIELD_SEPARATOR

record = audit_records.c


def canonical_text() -> ColumnElement[str]:
    """Return the expression for `AuditRecord.canonical_text`: the database joins the fields faster than Python."""
    ids = [func.coalesce(func.hex(column), "") for column in (record.account, record.session)]
    told: list[Any] = [record.actor, *ids, record.address, record.request_id, record.action, record.target]
    parts = [
        func.hex(record.id),
        cast(record.at, String),
        *told,
        record.before,
        record.after,
        record.reason,
        record.outcome,
    ]
    separated = [text for each in parts for text in (literal(FIELD_SEPARATOR), type_coerce(each, String))][1:]
    joined: ColumnElement[str] = reduce(add, separated)
    return joined


class SqlAuditChain(AuditChain):
    """Seals records in transactions of its own, each record once and in one order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seal(self, limit: int) -> int:
        async with self._database.transaction() as (connection, transaction):
            # Uncommitted rows are locked: their turn comes when their transaction has ended.
            waiting = select(audit_unsealed.c.record_id).order_by(audit_unsealed.c.record_id).limit(limit)
            ids = list(await connection.scalars(waiting.with_for_update(skip_locked=True)))
            if not ids:
                return 0
            try:
                await self._seal(connection, ids)
            except IntegrityError:  # another process has continued the chain from the same seal
                return 0
            await connection.execute(delete(audit_unsealed).where(audit_unsealed.c.record_id.in_(ids)))
            await transaction.commit()
        return len(ids)

    async def _seal(self, connection: AsyncConnection, ids: Collection[UUID]) -> None:
        sealed = select(audit_seals.c.record_id).where(audit_seals.c.record_id.in_(ids))
        known = set(await connection.scalars(sealed))
        query = select(record.id, canonical_text()).where(record.id.in_(ids))
        texts = {row[0]: row[1] for row in await connection.execute(query)}
        # A record that was deleted meanwhile gets its seal, so that its absence is found.
        fresh = [(each, texts.get(each, "")) for each in ids if each not in known]
        seals = [each._asdict() for each in seal(await newest_seal(connection), fresh)]
        if seals:
            rows = [{"sequence": each["sequence"], "record_id": each["record"], "hash": each["hash"]} for each in seals]
            await connection.execute(insert(audit_seals), rows)

    async def head(self) -> Head:
        async with self._database.reading() as connection:
            return await newest_seal(connection)

    async def links(self, after: int, limit: int) -> Sequence[Link]:
        joined = audit_seals.outerjoin(audit_records, record.id == audit_seals.c.record_id)
        query = select(audit_seals, canonical_text()).select_from(joined).where(audit_seals.c.sequence > after)
        async with self._database.reading() as connection:
            rows = await connection.execute(query.order_by(audit_seals.c.sequence).limit(limit))
            return [Link(*row) for row in rows]

    async def strays(self, after: UUID | None, limit: int) -> Strays:
        beyond = record.id > (after or UUID(int=0))
        async with self._database.reading() as connection:
            last = await connection.scalar(
                select(record.id).where(beyond).order_by(record.id).offset(limit - 1).limit(1)
            )
            within = [beyond] if last is None else [beyond, record.id <= last]
            sealed = select(audit_seals.c.record_id).where(audit_seals.c.record_id == record.id).exists()
            # One statement: a record that is sealed meanwhile has its seal, or is waiting, in what it reads.
            waiting = audit_unsealed.c.record_id
            query = select(record.id, record.at, waiting.is_not(None)).outerjoin(audit_unsealed, waiting == record.id)
            rows = await connection.execute(query.where(*within, ~sealed).order_by(record.id))
            return Strays([Stray(*row) for row in rows], last)


async def newest_seal(connection: AsyncConnection) -> Head:
    """Return the head of the chain."""
    query = select(audit_seals.c.sequence, audit_seals.c.hash).order_by(audit_seals.c.sequence.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return Head(row.sequence, bytes(row.hash)) if row else EMPTY_CHAIN
