"""Start a repricing."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.fees.errors import RepricingNotReady
from core.fees.ports import NewFeesUnitOfWork, RepricingRecords, Tariffs
from core.fees.repricing import RepricingState, RepricingView
from core.fees.repricings.show_repricing import known_repricing
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.decisions import Decision


@requires(Permission.SCHEDULES_WRITE)
@dataclass(frozen=True, slots=True)
class StartRepricing:
    """Make a task of each counted difference, which another person decides about."""

    ACTION: ClassVar = "start-repricing"

    new_work: NewFeesUnitOfWork
    tariffs: Tariffs
    repricings: RepricingRecords

    async def __call__(self, repricing: UUID, confirm: int, why: str) -> RepricingView:
        """Return the running repricing; one of an older version ends.

        Raises `UnknownRepricing`, or `RepricingNotReady` unless it is of the newest version and `confirm` changes
        were counted.
        """
        decision, wanted = Decision.of_caller(why), await known_repricing(self.repricings, repricing)
        newest = await self.tariffs.newest(wanted.schedule)
        if newest is None or newest.version != wanted.version:
            raise RepricingNotReady(f"a newer version of {wanted.schedule} is published: ask for its repricing")
        async with self.new_work() as work:
            known = await work.repricings.lock(wanted.schedule)
            found = known[repricing]
            found.start(decision.who, decision.why, confirm)
            for each in known.values():
                if each is not found and each.state is not RepricingState.DONE:
                    each.state = RepricingState.REPLACED
                work.repricings.save(each)
            view = RepricingView.of(found)
            work.audit(Deed(action=self.ACTION, target=f"repricing/{repricing}", after=view, reason=decision.why))
            await work.commit()
        return view
