"""Verify the audit chain."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.audit.chain import EMPTY_CHAIN, Head, next_hash
from core.audit.ports import AuditAnchors, AuditChain, Link, Stray
from core.audit.signed_head import HeadSigner, SignedHead
from core.kernel.audit import is_older
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock

LINKS_PER_PAGE, RECORDS_PER_SEARCH = 5_000, 20_000
MAX_REPORTED_FINDINGS = 20
SEALED_WITHIN = timedelta(minutes=5)
"""An older record without a seal was inserted by hand, or no scheduler runs; as much do clocks differ at most."""
PUBLISHED_WITHIN = timedelta(minutes=5)
"""The head over an older record is published, unless heads were lost or cannot be published."""
OnProgress = Callable[[int, int], None]
"""Called for each page with the number of verified records and of all sealed ones."""


@dataclass(slots=True)
class Verification:
    """What was verified, and what is wrong."""

    records: int = 0
    heads: int = 0
    """Published heads with which the chain was compared."""
    unsealed: int = 0
    """Records that the next run of the scheduler seals."""
    faults: int = 0
    findings: list[str] = field(default_factory=list)
    """The first `MAX_REPORTED_FINDINGS` faults."""

    def find(self, fault: str) -> None:
        """Count a fault, and keep the first ones."""
        self.faults += 1
        if len(self.findings) < MAX_REPORTED_FINDINGS:
            self.findings.append(fault)


@requires(Permission.AUDIT_READ)
@dataclass(frozen=True, slots=True)
class VerifyAuditChain:
    """Compute every hash anew, compare the chain with the published heads, and look for records without a seal."""

    chain: AuditChain
    anchors: AuditAnchors
    signer: HeadSigner
    clock: Clock

    async def __call__(self, on_progress: OnProgress) -> Verification:
        """Return the findings; raise `Unavailable`, or `Invalid` for anchors that cannot be read."""
        result, began = Verification(), self.clock.now()
        # Read before the chain, which by then has everything that they count.
        heads = await self._genuine_heads(result)
        last = await self._verify_links(heads, result, on_progress)
        for count in sorted(count for count in heads if count > last.count):
            head = heads[count][0]
            result.find(f"the newest records are missing: {count} were sealed at {head.at}, {last.count} are left")
        if self.anchors.keeps_heads:
            await self._find_lost_heads(max(heads, default=0), last, began, result)
        await self._find_strays(result)
        return result

    async def _genuine_heads(self, result: Verification) -> Mapping[int, Sequence[SignedHead]]:
        heads = defaultdict[int, list[SignedHead]](list)
        async for head in self.anchors.heads():
            result.heads += 1
            if not self.signer.is_genuine(head):
                result.find(f"the published head of {head.count} records at {head.at} is not signed with audit.secret")
            elif head.hash not in [known.hash for known in heads[head.count]]:
                heads[head.count].append(head)
        return heads

    async def _verify_links(
        self, heads: Mapping[int, Sequence[SignedHead]], result: Verification, on_progress: OnProgress
    ) -> Head:
        total, last = (await self.chain.head()).count, EMPTY_CHAIN
        async for page in self._pages():
            for link in page:
                if link.sequence != last.count + 1:
                    result.find(f"the seals {last.count + 1} to {link.sequence - 1} are missing")
                elif link.text is None:
                    result.find(f"record {link.record} was removed: it has the seal {link.sequence}")
                elif next_hash(last.hash, link.sequence, link.text) != link.hash:
                    result.find(f"record {link.record} was altered, or another one has its place {link.sequence}")
                for head in heads.get(link.sequence, ()):
                    if head.hash != link.hash.hex():
                        result.find(f"the first {head.count} records are not those whose head was published {head.at}")
                last = Head(link.sequence, link.hash)
            result.records += len(page)
            on_progress(result.records, total)
        return last

    async def _pages(self) -> AsyncIterator[Sequence[Link]]:
        """Yield the pages of the chain; each is fetched while the one before it is verified."""
        page = await self.chain.links(0, LINKS_PER_PAGE)
        while page:
            following = asyncio.create_task(self.chain.links(page[-1].sequence, LINKS_PER_PAGE))
            try:
                yield page
                page = await following
            finally:
                following.cancel()

    async def _find_lost_heads(self, published: int, last: Head, began: datetime, result: Verification) -> None:
        """Find old records that no published head covers."""
        for link in await self.chain.links(published, 1):
            if link.text is None or is_older(link.text, began - PUBLISHED_WITHIN):
                fault = "heads were lost, or the scheduler cannot publish them"
                result.find(f"the {last.count - published} newest seals are in no published head: {fault}")

    async def _find_strays(self, result: Verification) -> None:
        now, after = self.clock.now(), None
        while True:
            strays = await self.chain.strays(after, RECORDS_PER_SEARCH)
            for stray in strays.records:
                if fault := stray_fault(stray, now):
                    result.find(f"record {stray.record} of {stray.at} {fault}")
                else:
                    result.unsealed += 1
            if (after := strays.last) is None:
                return


def stray_fault(stray: Stray, now: datetime) -> str | None:
    """Return what is wrong with a record without a seal; None if the next run of the scheduler seals it."""
    if not stray.is_waiting:
        return "has no seal and is not waiting for a seal: it was inserted by hand"
    if stray.at < now - SEALED_WITHIN:
        return "has no seal: it was inserted by hand, or no scheduler runs"
    if stray.at > now + SEALED_WITHIN:
        return "has a time in the future: it was inserted by hand, or clocks differ"
    return None
