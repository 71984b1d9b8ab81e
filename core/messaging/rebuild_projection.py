"""Rebuild a projection from the event log."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, TypeVar

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.errors import Unavailable
from core.kernel.pace import Pace
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.messaging.log_records import Comparison, Fold, RecordStore, UnreadableLog
from core.messaging.message import Message
from core.messaging.projections import EventHistory, Projections
from core.messaging.read_log import EVENTS_PER_PAGE, fold_named, records_of, refuse_gaps, refuse_unknown_types
from core.messaging.routing import Projector, RoutedUseCases, Routes

T = TypeVar("T")
LEASE_SECONDS = 30.0
"""A rebuild that does not renew its lease for so long counts as dead."""
DERIVING_SECONDS = 300.0
"""The lease while sums are computed, which takes 3 ms for each account and day."""
RETRY_BACKOFF_SECONDS = (0.1, 0.5, 2.0)
"""Pauses before the retries of a failed step; their sum is less than the lease."""


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """The result of a rebuild."""

    projection: str
    generation: int = 0
    """Of a projection that is completed in place: the number of the rebuild."""
    events: int = 0
    forgotten: int = 0
    """Deleted rows of older generations."""
    restored: int = 0
    """Rows that were missing."""
    different: int = 0
    """Columns of stored rows that are not what the log says; they stay as they are."""
    derived: int = 0
    """Sums that were wrong."""
    in_place: bool = False
    """Whether rows were inserted, instead of a generation built."""

    def after(self, page: Sequence[Message], found: Comparison) -> "RebuildReport":
        """Return the report with one page more."""
        return replace(
            self,
            events=self.events + len(page),
            restored=self.restored + found.missing,
            different=self.different + found.different,
        )


OnProgress = Callable[[int, datetime], None]
"""Called for each page with the number of events that were read and the time of the last one."""


@requires(Permission.EVENTS_REPLAY)
@dataclass(frozen=True, slots=True)
class RebuildProjection:
    """Make a projection again from the log while it is read and kept current.

    Views become a new generation, which is promoted at the end. No event is missed: a consumer that does not know the
    new generation has committed its event before that was committed, so the scan, which begins later, finds the event
    whatever its time. Records that never change are completed in place: no row that exists is changed.
    """

    ACTION: ClassVar = "rebuild-projection"

    projections: Projections
    new_work: NewUnitOfWork[UnitOfWork]
    history: EventHistory
    store: RecordStore
    routes: Routes
    use_cases: Callable[[], RoutedUseCases]

    async def __call__(self, name: str, pace: Pace, on_progress: OnProgress) -> RebuildReport | None:
        """Return the result, or None when stopped; then the live generation is unchanged.

        Raises `UnknownProjection`, `UnreadableLog`, `RebuildUnderWay`, `RebuildTakenOver` or `Unavailable`.
        """
        fold = fold_named(self.routes, name)
        await refuse_gaps(self.history, fold)
        generation = await self.projections.begin_rebuild(name, LEASE_SECONDS)
        async with self.new_work() as work:
            work.audit(Deed(action=self.ACTION, target=f"projection/{name}", after={"generation": generation}))
            await work.commit()
        report: RebuildReport | None = RebuildReport(name, generation, in_place=name not in self.routes.projectors)
        try:
            for context in fold.contexts:
                report = report and await self._scan(context, fold, report, pace, on_progress)
        except UnreadableLog:
            await self.projections.renew(name, generation, 0)
            raise
        if report is None:
            await self.projections.renew(name, generation, 0)
            return None
        if report.in_place:
            await self.projections.renew(name, generation, DERIVING_SECONDS)
            report = replace(report, derived=await retry_unavailable(self.store.derive, name))
        await self.projections.promote(name, generation)
        return report if report.in_place else replace(report, forgotten=await self._forget(name, pace))

    async def _scan(
        self, context: str, fold: Fold, report: RebuildReport, pace: Pace, on_progress: OnProgress
    ) -> RebuildReport | None:
        """Take the events of one context in pages; None: stopped."""
        # At most one second's worth of events: the lease is renewed for each page.
        size = min(EVENTS_PER_PAGE, pace.rate or EVENTS_PER_PAGE)
        after, newest = None, await self.history.newest(context)
        while newest is not None and (after is None or after < newest):
            await retry_unavailable(self.projections.renew, report.projection, report.generation, LEASE_SECONDS)
            page = await retry_unavailable(self.history.page, context, after, size)
            found = await retry_unavailable(self._take, page, fold, report)
            after, report = page[-1].id, report.after(page, found)
            on_progress(report.events, page[-1].at)
            if not await pace.acquire(len(page)):
                return None
        return report

    async def _take(self, page: Sequence[Message], fold: Fold, report: RebuildReport) -> Comparison:
        projector: Projector | None = self.routes.projectors.get(report.projection)
        if projector is None:
            records = [each for _, found in records_of(page, fold, self.routes) for each in found]
            return await self.store.complete(report.projection, records)
        refuse_unknown_types(page, self.routes)
        try:
            await projector(page, report.generation, self.use_cases())
        except ValueError:
            for _ in records_of(page, fold, self.routes):
                pass  # the search for the event that cannot be read, which it names
            raise
        return Comparison()

    async def _forget(self, name: str, pace: Pace) -> int:
        """Delete superseded generations; the next rebuild deletes what is left after a stop."""
        forgotten = 0
        while not pace.stop.is_set() and (
            gone := await retry_unavailable(self.projections.purge, name, EVENTS_PER_PAGE)
        ):
            forgotten += gone
        return forgotten


async def retry_unavailable(step: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """Run an idempotent step, and retry it when a dependency is unavailable."""
    for pause in RETRY_BACKOFF_SECONDS:
        try:
            return await step(*arguments)
        except Unavailable:
            await asyncio.sleep(pause)
    return await step(*arguments)
