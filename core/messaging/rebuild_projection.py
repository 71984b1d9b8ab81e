"""Rebuild a projection from the event log."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import ClassVar

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.pace import Pace
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.messaging.log_records import Comparison, Fold, Records, RecordStore, UnreadableLog
from core.messaging.message import Message
from core.messaging.projections import EventHistory, Projections
from core.messaging.read_ahead import read_ahead, retry_unavailable
from core.messaging.read_log import EVENTS_PER_PAGE, fold_named, records_of, refuse_gaps, refuse_unknown_types
from core.messaging.rebuild_report import OnProgress, RebuildReport
from core.messaging.routing import Projector, RoutedUseCases, Routes

Page = tuple[Sequence[Message], Records]
"""Events, and what is stored for them in place."""
LEASE_SECONDS = 30.0
"""A rebuild that does not renew its lease for so long counts as dead."""
DERIVING_SECONDS = 300.0
"""The lease while sums are computed, which takes 3 ms for each account and day."""


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
        async with aclosing(read_ahead(self._pages(context, fold, report, size))) as pages:
            async for page, records in pages:
                found = await retry_unavailable(self._take, page, records, fold, report)
                report = report.after(page, found)
                on_progress(report.events, page[-1].at)
                if not await pace.acquire(len(page)):
                    return None
        return report

    async def _pages(self, context: str, fold: Fold, report: RebuildReport, size: int) -> AsyncGenerator[Page]:
        after, newest = None, await self.history.newest(context)
        while newest is not None and (after is None or after < newest):
            await retry_unavailable(self.projections.renew, report.projection, report.generation, LEASE_SECONDS)
            page = await retry_unavailable(self.history.page, context, after, size)
            known = records_of(page, fold, self.routes) if report.in_place else ()
            yield page, [each for _, records in known for each in records]
            after = page[-1].id

    async def _take(self, page: Sequence[Message], records: Records, fold: Fold, report: RebuildReport) -> Comparison:
        projector: Projector | None = self.routes.projectors.get(report.projection)
        if projector is None:
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
