"""Verify a projection against the event log."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.pace import Pace
from core.messaging.log_records import Comparison, Difference, Fold, LogSnapshot, LogSnapshots
from core.messaging.message import Message
from core.messaging.projections import EventHistory
from core.messaging.read_log import EVENTS_PER_PAGE, fold_named, records_of, refuse_gaps
from core.messaging.rebuild_report import OnProgress
from core.messaging.routing import Routes

MAX_NAMED_DIFFERENCES = 100


@dataclass(slots=True)
class ProjectionVerification:
    """What was compared, and what is not as the log says."""

    projection: str
    events: int = 0
    rows: int = 0
    """Stored rows that events explain."""
    waiting: int = 0
    """Events that the consumer has still to process."""
    missing: int = 0
    different: int = 0
    """Columns of stored rows."""
    unexplained: int = 0
    """Stored rows that no event explains."""
    differences: list[Difference] = field(default_factory=list)
    """The first 100."""

    @property
    def is_right(self) -> bool:
        """Return whether the projection is what the log says."""
        return not (self.missing or self.different or self.unexplained)

    def add(self, compared: Comparison) -> None:
        """Add the comparison of a page."""
        self.rows += compared.found
        self.missing += compared.missing
        self.different += compared.different
        self.differences += compared.differences[: MAX_NAMED_DIFFERENCES - len(self.differences)]


@requires(Permission.AUDIT_READ)
@dataclass(frozen=True, slots=True)
class VerifyProjection:
    """Read the log and compare each stored row with it, as of one moment; write nothing."""

    history: EventHistory
    snapshots: LogSnapshots
    routes: Routes

    async def __call__(self, name: str, pace: Pace, on_progress: OnProgress) -> ProjectionVerification | None:
        """Return the result, or None when stopped; raise `UnknownProjection`, `UnreadableLog` or `Unavailable`."""
        fold, result = fold_named(self.routes, name), ProjectionVerification(name)
        await refuse_gaps(self.history, fold)
        async with self.snapshots.open(name) as snapshot:
            for context in fold.contexts:
                after: UUID | None = None
                while page := await snapshot.events(context, after, EVENTS_PER_PAGE):
                    await self._compare(page, fold, snapshot, result)
                    after, result.events = page[-1].id, result.events + len(page)
                    on_progress(result.events, page[-1].at)
                    if not await pace.acquire(len(page)):
                        return None
            result.unexplained = max(0, await snapshot.count() - result.rows)
        return result

    async def _compare(
        self, page: Sequence[Message], fold: Fold, snapshot: LogSnapshot, result: ProjectionVerification
    ) -> None:
        known = list(records_of(page, fold, self.routes))
        compared = await snapshot.compare([each for _, records in known for each in records])
        if fold.is_consumed and compared.missing:
            waiting: Collection[UUID] = await snapshot.unprocessed([message for message, _ in known])
            rest = [each for message, records in known if message.id not in waiting for each in records]
            compared = await snapshot.compare(rest)
            result.waiting += len(waiting)
        result.add(compared)
