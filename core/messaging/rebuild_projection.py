"""Rebuild a projection from the event log."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeVar
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.errors import Unavailable
from core.kernel.pace import Pace
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.messaging.message import Message
from core.messaging.projections import EventHistory, Projections, UnknownProjection
from core.messaging.routing import Projector, RoutedUseCases, Routes

T = TypeVar("T")
EVENTS_PER_PAGE = 1_000
LEASE_SECONDS = 30.0
"""A rebuild that does not renew its lease for so long counts as dead."""
RETRY_BACKOFF_SECONDS = (0.1, 0.5, 2.0)
"""Pauses before the retries of a failed step; their sum is less than the lease."""


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """The result of a rebuild."""

    projection: str
    generation: int
    events: int
    forgotten: int
    """Deleted rows of older generations."""


OnProgress = Callable[[int, datetime], None]
"""Called for each page with the number of events in the new generation and the time of the last one."""


@requires(Permission.EVENTS_REPLAY)
@dataclass(frozen=True, slots=True)
class RebuildProjection:
    """Build a new generation from the log while the old one is read and both are fed, then promote the new one.

    No event is missed: a consumer that does not know the new generation has committed its event before the new
    generation was committed, so the scan, which begins later, finds the event whatever its time.
    """

    ACTION: ClassVar = "rebuild-projection"

    projections: Projections
    new_work: NewUnitOfWork[UnitOfWork]
    history: EventHistory
    routes: Routes
    use_cases: Callable[[], RoutedUseCases]

    async def __call__(self, name: str, pace: Pace, on_progress: OnProgress) -> RebuildReport | None:
        """Return the result, or None when stopped; then the live generation is unchanged.

        Raises `UnknownProjection`, `RebuildUnderWay`, `RebuildTakenOver` or `Unavailable`.
        """
        projector = self.routes.projectors.get(name)
        if projector is None:
            known = ", ".join(sorted(self.routes.projectors))
            raise UnknownProjection(f"there is no projection {name[:80]!r}; there is {known}")
        generation = await self.projections.begin_rebuild(name, LEASE_SECONDS)
        async with self.new_work() as work:
            work.audit(Deed(action=self.ACTION, target=f"projection/{name}", after={"generation": generation}))
            await work.commit()
        # At most one second's worth of events: the lease is renewed for each page.
        size = min(EVENTS_PER_PAGE, pace.rate or EVENTS_PER_PAGE)
        events, after, newest = 0, None, await self.history.newest(name)
        while newest is not None and (after is None or after < newest):
            page = await retry_unavailable(self._step, projector, name, generation, after, size)
            after, events = page[-1].id, events + len(page)
            on_progress(events, page[-1].at)
            if not await pace.acquire(len(page)):
                await self.projections.renew(name, generation, 0)
                return None
        await self.projections.promote(name, generation)
        return RebuildReport(name, generation, events, await self._forget(name, pace))

    async def _step(
        self, projector: Projector, name: str, generation: int, after: UUID | None, size: int
    ) -> Sequence[Message]:
        await self.projections.renew(name, generation, LEASE_SECONDS)
        page = await self.history.page(name, after, size)
        await projector(page, generation, self.use_cases())
        return page

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
