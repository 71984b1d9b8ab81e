"""The chain of audit seals in the memory database, and anchors that keep nothing."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from core.audit.chain import EMPTY_CHAIN, Head, seal
from core.audit.ports import AuditAnchors, AuditChain, Link, Stray, Strays
from core.audit.signed_head import SignedHead


class MemoryAuditChain(AuditChain):
    """Seals the records that are committed."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def seal(self, limit: int) -> int:
        async with self._database.lock:
            ids = self._unsealed()[:limit]
            texts = [(each, self._database.audit_records[each].canonical_text) for each in ids]
            self._database.audit_seals += seal(await self.head(), texts)
        return len(ids)

    async def head(self) -> Head:
        seals = self._database.audit_seals
        return Head(seals[-1].sequence, seals[-1].hash) if seals else EMPTY_CHAIN

    async def links(self, after: int, limit: int) -> Sequence[Link]:
        records, seals = self._database.audit_records, [each for each in self._database.audit_seals if each[0] > after]
        return [
            Link(*each, records[each.record].canonical_text if each.record in records else None)
            for each in seals[:limit]
        ]

    async def strays(self, after: UUID | None, limit: int) -> Strays:
        records = self._database.audit_records
        some = [each for each in sorted(records) if after is None or each > after][:limit]
        unsealed = set(self._unsealed())
        last = some[-1] if len(some) == limit else None
        return Strays([Stray(each, records[each].at, is_waiting=True) for each in some if each in unsealed], last)

    def _unsealed(self) -> list[UUID]:
        sealed = {each.record for each in self._database.audit_seals}
        return sorted(self._database.audit_records.keys() - sealed)


class NoAuditAnchors(AuditAnchors):
    """Publishes nothing."""

    keeps_heads = False

    async def publish(self, head: SignedHead) -> None:
        """Do nothing."""

    async def heads(self) -> AsyncIterator[SignedHead]:
        """Yield nothing."""
        nothing: tuple[SignedHead, ...] = ()
        for head in nothing:
            yield head
