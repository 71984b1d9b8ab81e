"""Restore the records of one aggregate."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.errors import Invalid, NotFound
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.messaging.log_records import RecordStore
from core.messaging.projections import EventHistory
from core.messaging.read_log import fold_named, records_of
from core.messaging.rebuild_report import RebuildReport
from core.messaging.routing import Routes


class UnknownAggregate(NotFound):
    """The log has no event of this aggregate that the projection follows from."""

    problem = "unknown-aggregate"


@requires(Permission.EVENTS_REPLAY)
@dataclass(frozen=True, slots=True)
class RestoreRecords:
    """Insert what is missing of one aggregate: a submission, or the transactions of a fee."""

    ACTION: ClassVar = "restore-records"

    new_work: NewUnitOfWork[UnitOfWork]
    history: EventHistory
    store: RecordStore
    routes: Routes

    async def __call__(self, name: str, aggregate: UUID) -> RebuildReport:
        """Return what was restored.

        Raises `UnknownProjection`, `UnknownAggregate`, `UnreadableLog`, or `Invalid` for views, which have generations.
        """
        fold = fold_named(self.routes, name)
        if name in self.routes.projectors:
            raise Invalid(f"{name} is built anew as a whole: leave out `--only`", at="$.only")
        events = [event for each in fold.related(aggregate) for event in await self.history.of(each)]
        known = list(records_of(events, fold, self.routes))
        if not known:
            raise UnknownAggregate(f"the log has no event of {aggregate} that {name} follow from")
        found = await self.store.complete(name, [each for _, records in known for each in records])
        report = RebuildReport(name, in_place=True).after(events, found)
        async with self.new_work() as work:
            work.audit(Deed(action=self.ACTION, target=f"projection/{name}", after={"aggregate": str(aggregate)}))
            await work.commit()
        return report
