"""Import a settlement file."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID, uuid5

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.errors import Conflict, GaveWay, InUse
from core.kernel.ids import Ids
from core.kernel.money import Money
from core.kernel.pipeline import Pipeline
from core.settlements.file_lines import BadLine, FileLine
from core.settlements.line_batches import line_batches
from core.settlements.mapping import LineKind, SettlementMapping
from core.settlements.placing import place
from core.settlements.ports import NewSettlementsUnitOfWork, SettlementsUnitOfWork
from core.settlements.settlement_line import (
    ExceptionKind,
    KnownFact,
    PlacedLine,
    SettlementException,
    SettlementPosted,
    exception_of,
    fault_of,
)

LINES_PER_BATCH, CONCURRENT_BATCHES, MAX_BAD_LINES, MAX_ATTEMPTS = 2_048, 3, 20, 10
LOOKS_BACK = timedelta(days=31)
"""How long a payment that is missing there is looked for, also if a file of some days was never imported."""
MISSING = UUID("8a1c3f62-9a54-4df4-8f0e-1c7a3c0d2b11")
"""The namespace of exceptions about payments without a line."""
OnProgress = Callable[[int], None]
"""Called for each batch with the number of lines that were read."""


@dataclass(slots=True)
class SettlementReport:
    """What an import did."""

    read: int = 0
    matched: int = 0
    repeated: int = 0
    """Lines that this or an earlier import has stored; they change nothing."""
    exceptions: dict[str, int] = field(default_factory=dict)
    """By their kind."""
    rejected: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)
    """The first of the lines that cannot be read."""
    newest: datetime | None = None
    """When the last transfer of the file was made."""

    def count(self, kind: ExceptionKind) -> None:
        """Add one exception."""
        self.exceptions[kind] = self.exceptions.get(kind, 0) + 1


@requires(Permission.SETTLEMENTS_WRITE)
@dataclass(frozen=True, slots=True)
class ImportSettlement:
    """Match a gateway's settlement file, and post what matches; what a file has told before changes nothing."""

    ACTION: ClassVar = "import-settlement"

    new_work: NewSettlementsUnitOfWork
    clock: Clock
    ids: Ids
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One import at a time in a process: it uses several connections."""

    async def __call__(
        self, mapping: SettlementMapping, chunks: AsyncIterable[bytes], on_progress: OnProgress = lambda _: None
    ) -> SettlementReport:
        """Return the report; each batch of lines is committed as it is read. Raises `UnreadableSettlement`."""
        report, by = SettlementReport(), self.ids.new()
        at_once = CONCURRENT_BATCHES if mapping.columns.id is not None else 1  # a twin counts those of the batch before
        async with self.turn, Pipeline(at_once) as pipeline:
            async for batch in line_batches(mapping, chunks, LINES_PER_BATCH):
                good = [line for line in batch if isinstance(line, FileLine)]
                bad = [line for line in batch if isinstance(line, BadLine)]
                await pipeline.begin(self._retried(mapping, good, by, report))
                report.read += len(batch)
                report.rejected += len(bad)
                report.bad_lines += bad[: MAX_BAD_LINES - len(report.bad_lines)]
                on_progress(report.read)
        await self._look_for_missing(mapping, by, report)
        return report

    async def _retried(
        self, mapping: SettlementMapping, lines: Sequence[FileLine], by: UUID, report: SettlementReport
    ) -> None:
        """Import a batch, again if another one stores the same lines at this moment."""
        for attempt in range(MAX_ATTEMPTS):
            try:
                outcome = await self._import(mapping, lines, by)
                break
            except (Conflict, InUse, GaveWay):
                if attempt == MAX_ATTEMPTS - 1:
                    raise
        report.matched += outcome.matched
        report.repeated += len(lines) - outcome.matched - len(outcome.exceptions)
        for each in outcome.exceptions:
            report.count(each.kind)
        newest = max((line.at for line in lines), default=None)
        if newest and (report.newest is None or newest > report.newest):
            report.newest = newest.astimezone(UTC)

    async def _import(self, mapping: SettlementMapping, lines: Sequence[FileLine], by: UUID) -> "Outcome":
        async with self.new_work() as work:
            new = await place(work.lines, mapping.gateway, lines, by)
            outcome = judge(mapping, new, await facts_of(work, mapping.gateway, new))
            work.lines.add(outcome.lines, mapping.gateway, by)
            for each in outcome.exceptions:
                work.exceptions.add(each)
            for posted in self._posted(mapping, outcome.lines):
                work.record(posted)
            await work.commit()
        return outcome

    def _posted(self, mapping: SettlementMapping, lines: Sequence[PlacedLine]) -> Iterable[SettlementPosted]:
        """Yield an event for each transfer of a batch: its lines are posted as one sum."""
        groups = defaultdict[tuple[str, str, object], list[FileLine]](list)
        for placed in lines:
            if placed.about:
                line = placed.line
                groups[line.settlement, line.currency, line.at.date()].append(line)
        for (settlement, currency, _), some in groups.items():
            yield SettlementPosted(
                at=self.clock.now(),
                subject=self.ids.new(),
                version=1,
                gateway=mapping.gateway,
                bank=mapping.bank,
                settlement=settlement,
                gross=Money(sum([each.gross for each in some]), currency),
                fees=Money(sum([each.fee for each in some]), currency),
                settled_at=some[0].at,
                lines=len(some),
            )

    async def _look_for_missing(self, mapping: SettlementMapping, by: UUID, report: SettlementReport) -> None:
        """Make an exception of each payment that the gateway should have transferred, and close those that it has."""
        until = report.newest and report.newest - timedelta(days=mapping.settles_within_days)
        after = None
        while until:
            async with self.new_work() as work:
                found = await work.collected.unsettled(
                    mapping.gateway, until - LOOKS_BACK, until, after, LINES_PER_BATCH
                )
                for each in found:
                    report.count(ExceptionKind.MISSING_THERE)
                    work.exceptions.add(
                        SettlementException(
                            id=uuid5(MISSING, str(each.id)),
                            gateway=mapping.gateway,
                            bank=mapping.bank,
                            kind=ExceptionKind.MISSING_THERE,
                            about=each.id,
                            name=each.name,
                            amount=each.amount,
                            fees=Money.zero(each.amount.currency),
                            settlement="",
                            at=each.paid_at,
                        )
                    )
                await work.commit()
            if len(found) < LINES_PER_BATCH:
                break
            after = (found[-1].paid_at, found[-1].id)
        async with self.new_work() as work:
            await work.exceptions.close_found()
            told = {"read": report.read, "matched": report.matched, "exceptions": report.exceptions}
            work.audit(Deed(action=self.ACTION, target=f"settlement-import/{by}", after=told))
            await work.commit()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the new lines of a batch."""

    lines: Sequence[PlacedLine]
    exceptions: Sequence[SettlementException]

    @property
    def matched(self) -> int:
        """Return how many settle a payment or refund."""
        return len(self.lines) - len(self.exceptions)


async def facts_of(
    work: SettlementsUnitOfWork, gateway: str, new: Sequence[PlacedLine]
) -> Mapping[UUID, KnownFact | None]:
    """Return what each new line is about: by the gateway's id, and payments also by their order."""
    lines = [(each.id, each.line) for each in new]
    payments = [(key, line) for key, line in lines if line.kind is LineKind.PAYMENT]
    refunds = [(key, line) for key, line in lines if line.kind is LineKind.REFUND]
    known = await work.collected.payments(gateway, {line.payment for _, line in payments})
    by_order = await work.collected.payments_of_orders(
        gateway, {line.order for _, line in payments if line.order and line.payment not in known}
    )
    refunded = await work.collected.refunds(gateway, {line.refund for _, line in refunds})
    found: dict[UUID, KnownFact | None] = {
        key: known.get(line.payment) or by_order.get(line.order) for key, line in payments
    }
    return found | {key: refunded.get(line.refund) for key, line in refunds}


def judge(mapping: SettlementMapping, new: Sequence[PlacedLine], facts: Mapping[UUID, KnownFact | None]) -> Outcome:
    """Tell the lines that settle something from the exceptions."""
    settled, lines, exceptions = set[UUID](), list[PlacedLine](), list[SettlementException]()
    for placed in new:
        fact = facts.get(placed.id)
        fault = fault_of(placed.line, fact, settled)
        if fact and not fault:
            settled.add(fact.id)
            lines.append(placed._replace(about=fact.id))
            continue
        lines.append(placed)
        about = fact.id if fact else None
        kind = fault or ExceptionKind.MISSING_HERE
        exceptions.append(exception_of(placed, kind, about, mapping.gateway, mapping.bank))
    return Outcome(lines, exceptions)
