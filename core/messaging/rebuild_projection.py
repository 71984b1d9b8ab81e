"""Build a projection anew."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from core.kernel.errors import Unavailable
from core.kernel.pace import Pace
from core.messaging.message import Message
from core.messaging.projections import EventHistory, Projections, UnknownProjection

T = TypeVar("T")
Build = Callable[[Sequence[Message], int], Awaitable[None]]
"""Takes events into one generation."""
EVENTS_PER_PAGE = 1_000
LEASE_SECONDS = 30.0
"""Seconds without a sign of life after which a rebuild counts as dead."""
RETRY_BACKOFF_SECONDS = (0.1, 0.5, 2.0)
"""Seconds between tries of a step that met trouble: altogether less than the lease."""


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What came of a rebuild."""

    projection: str
    generation: int
    events: int
    forgotten: int
    """Rows of older generations."""


OnProgress = Callable[[int, datetime], None]
"""Hears of each page how many events are in the new generation, and when the last of them happened."""


@dataclass(frozen=True, slots=True)
class RebuildProjection:
    """Build a new generation from the log, while the old one is read and both are fed; then read the new one.

    An event is missed by neither of us: whoever took it in without knowing of the new generation did so after it was
    committed and before the new generation was, so the scan, which begins later, finds it, whatever its time.
    """

    projections: Projections
    history: EventHistory

    async def __call__(
        self, builds: Mapping[str, Build], name: str, pace: Pace, told: OnProgress
    ) -> RebuildReport | None:
        """Return what came of it; None when we are to stop, and then what is read is what was read before.

        Raises `UnknownProjection`, `RebuildUnderWay`, `RebuildTakenOver` or `Unavailable`.
        """
        if name not in builds:
            raise UnknownProjection(f"there is no projection {name[:80]!r}; there is {', '.join(sorted(builds))}")
        generation = await self.projections.begin(name, LEASE_SECONDS)
        size = min(
            EVENTS_PER_PAGE, pace.rate or EVENTS_PER_PAGE
        )  # a second's worth at most: whoever is silent for longer counts as dead
        events, after, newest = 0, None, await self.history.newest(name)
        while newest is not None and (after is None or after < newest):
            page = await retry_unavailable(self._step, builds[name], name, generation, after, size)
            after, events = page[-1].id, events + len(page)
            told(events, page[-1].at)
            if not await pace.acquire(len(page)):
                await self.projections.hold(name, generation, 0)
                return None
        await self.projections.promote(name, generation)
        return RebuildReport(name, generation, events, await self._forget(name, pace))

    async def _step(self, build: Build, name: str, generation: int, after: UUID | None, size: int) -> Sequence[Message]:
        await self.projections.hold(name, generation, LEASE_SECONDS)
        page = await self.history.page(name, after, size)
        await build(page, generation)
        return page

    async def _forget(self, name: str, pace: Pace) -> int:
        """Delete what nobody reads any more; what is left when we are to stop, the next rebuild deletes."""
        forgotten = 0
        while not pace.stop.is_set() and (
            gone := await retry_unavailable(self.projections.forget, name, EVENTS_PER_PAGE)
        ):
            forgotten += gone
        return forgotten


async def retry_unavailable(step: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """Do what may be done twice, again where it met trouble that may pass."""
    for pause in RETRY_BACKOFF_SECONDS:
        try:
            return await step(*arguments)
        except Unavailable:
            await asyncio.sleep(pause)
    return await step(*arguments)
