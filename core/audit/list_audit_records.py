"""List audit records."""

from dataclasses import dataclass
from uuid import UUID

from core.audit.ports import AuditFilter, AuditTrail
from core.kernel.audit import AuditRecord
from core.kernel.authorization import Permission, requires


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of audit records, the newest first."""

    items: tuple[AuditRecord, ...]
    next: UUID | None
    """The `after` of the next page; None on the last page."""


@requires(Permission.AUDIT_READ)
@dataclass(frozen=True, slots=True)
class ListAuditRecords:
    """Return audit records, the newest first."""

    trail: AuditTrail

    async def __call__(self, which: AuditFilter, after: UUID | None, limit: int) -> AuditPage:
        """Return a page; raise `UnknownAuditRecord` if `after` is none."""
        found = await self.trail.newest(which, after, limit + 1)
        items = tuple(found[:limit])
        return AuditPage(items, items[-1].id if len(found) > limit else None)
