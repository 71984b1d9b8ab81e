"""The audit records of the memory database."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from core.audit.ports import AuditFilter, AuditTrail, UnknownAuditRecord
from core.kernel.audit import AuditRecord


class MemoryAuditTrail(AuditTrail):
    """Reads audit records."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def newest(self, which: AuditFilter, after: UUID | None, limit: int) -> Sequence[AuditRecord]:
        if after is not None and after not in self._database.audit_records:
            raise UnknownAuditRecord(f"there is no audit record {after} to continue after")
        last = None if after is None else place(self._database.audit_records[after])
        found = [each for each in self._database.audit_records.values() if matches(each, which)]
        return sorted((each for each in found if last is None or place(each) < last), key=place, reverse=True)[:limit]


def matches(record: AuditRecord, which: AuditFilter) -> bool:
    """Tell whether a filter selects a record."""
    words = [(getattr(which, name), getattr(record, name)) for name in ("actor", "action", "target", "outcome")]
    within = which.during.since <= record.at < which.during.until
    return within and all(wanted in (None, word) for wanted, word in words)


def place(record: AuditRecord) -> tuple[datetime, UUID]:
    """Return the sort key of a record."""
    return record.at, record.id
