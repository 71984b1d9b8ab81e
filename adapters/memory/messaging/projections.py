"""The generations of projections, and the event history they are built from, in the memory database."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase, ProjectionGenerations
from core.kernel.clock import Clock
from core.messaging.message import Message
from core.messaging.projections import EventHistory, Projections, RebuildTakenOver, RebuildUnderWay


class MemoryProjections(Projections):
    """Generations by the name of the projection."""

    def __init__(self, database: MemoryDatabase, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def begin_rebuild(self, name: str, seconds: float) -> int:
        known, now = self._database.projections[name], self._clock.now()
        if known.until is not None and known.until > now:
            raise RebuildUnderWay.named(name, seconds)
        self._database.projections[name] = ProjectionGenerations(
            known.live, known.newest + 1, now + timedelta(seconds=seconds)
        )
        return known.newest + 1

    async def renew(self, name: str, generation: int, seconds: float) -> None:
        known = self._building(name, generation)
        self._database.projections[name] = known._replace(until=self._clock.now() + timedelta(seconds=seconds))

    async def promote(self, name: str, generation: int) -> None:
        self._database.projections[name] = self._building(name, generation)._replace(live=generation, until=None)

    async def purge(self, name: str, limit: int) -> int:
        live, gone = self._database.projections[name].live, 0
        views: tuple[dict[Any, Any], ...] = (
            self._database.line_views,
            self._database.batch_views,
            self._database.sku_views,
        )
        for view in views:
            for key in list(islice((key for key in view if key[0] < live), limit - gone)):
                del view[key]
                gone += 1
        return gone

    def _building(self, name: str, generation: int) -> ProjectionGenerations:
        known = self._database.projections[name]
        if known.newest != generation or known.until is None or known.until <= self._clock.now():
            raise RebuildTakenOver.named(name)
        return known


class MemoryEventHistory(EventHistory):
    """Events by context."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def newest(self, context: str) -> UUID | None:
        return max((event.id for event in self._database.events.values() if event.context == context), default=None)

    async def page(self, context: str, after: UUID | None, limit: int) -> Sequence[Message]:
        theirs = [event for event in self._database.events.values() if event.context == context]
        beyond = [event for event in theirs if after is None or event.id > after]
        return sorted(beyond, key=lambda event: event.id)[:limit]

    async def of(self, aggregate: UUID) -> Sequence[Message]:
        theirs = [event for event in self._database.events.values() if event.subject == aggregate]
        return sorted(theirs, key=lambda event: event.version)

    async def gap(self, contexts: Collection[str]) -> str:
        numbers = defaultdict[UUID, list[int]](list)
        for event in self._database.events.values():
            if event.context in contexts:
                numbers[event.subject].append(event.version)
        short = [each for each, found in sorted(numbers.items()) if len(found) != max(found)]
        return f"{short[0]} has {len(numbers[short[0]])} of {max(numbers[short[0]])} events" if short else ""
