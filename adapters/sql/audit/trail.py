"""The audit records in SQL, for people."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import audit_records
from core.audit.ports import AuditFilter, AuditTrail, UnknownAuditRecord
from core.kernel.audit import AuditRecord

record = audit_records.c


class SqlAuditTrail(AuditTrail):
    """Reads audit records by their indexes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, which: AuditFilter, after: UUID | None, limit: int) -> Sequence[AuditRecord]:
        async with browsing(self._database) as connection:
            beyond: list[ColumnElement[bool]] = []
            if after is not None:
                at = await connection.scalar(select(record.at).where(record.id == after))
                if at is None:
                    raise UnknownAuditRecord(f"there is no audit record {after} to continue after")
                beyond = [record.at <= at, (record.at < at) | (record.id < after)]
            query = select(audit_records).where(*conditions(which), *beyond)
            rows = await connection.execute(query.order_by(record.at.desc(), record.id.desc()).limit(limit))
            return [AuditRecord(**row) for row in rows.mappings()]


def conditions(which: AuditFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter."""
    equal = [record[name] == word for name, word in which.words.items()]
    return [record.at >= which.during.since, record.at < which.during.until, *equal]
