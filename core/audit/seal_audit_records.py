"""Seal audit records."""

from dataclasses import dataclass

from core.audit.ports import AuditAnchors, AuditChain
from core.audit.signed_head import HeadSigner
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock

RECORDS_PER_TRANSACTION = 1_000


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class SealAuditRecords:
    """Add what was committed to the chain, then publish its head if this process has not."""

    chain: AuditChain
    anchors: AuditAnchors
    signer: HeadSigner
    clock: Clock

    async def __call__(self) -> int:
        """Return how many records were sealed; raise `Unavailable`."""
        sealed, last = 0, RECORDS_PER_TRANSACTION
        while last == RECORDS_PER_TRANSACTION:
            last = await self.chain.seal(RECORDS_PER_TRANSACTION)
            sealed += last
        head = await self.chain.head()
        if head != self.signer.published:
            await self.anchors.publish(self.signer.sign(head, self.clock.now()))
            self.signer.published = head
        return sealed
