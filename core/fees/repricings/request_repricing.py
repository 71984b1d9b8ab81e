"""Request a repricing."""

from dataclasses import dataclass
from typing import ClassVar

from core.fees.errors import UnknownSchedule
from core.fees.names import is_name
from core.fees.ports import NewFeesUnitOfWork, Tariffs
from core.fees.repricing import Repricing, RepricingView, repricing_id
from core.fees.schedule import FeeSchedule
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, current_principal, requires
from core.kernel.clock import Clock
from core.kernel.idempotency import RequestContext


@requires(Permission.SCHEDULES_WRITE)
@dataclass(frozen=True, slots=True)
class RequestRepricing:
    """Have it counted what the newest version of a schedule changes for fees of older ones; nothing is changed."""

    ACTION: ClassVar = "request-repricing"

    new_work: NewFeesUnitOfWork
    tariffs: Tariffs
    clock: Clock

    async def __call__(self, code: str, request: RequestContext) -> RepricingView:
        """Return the repricing, which the program counts; one that was counted or done before is counted again.

        Raises `UnknownSchedule`, or `Conflict` if another request asks for it at the same time.
        """
        newest = await self.tariffs.newest(code) if is_name(code) else None
        if newest is None:
            raise UnknownSchedule.coded(code)
        async with self.new_work() as work:
            known = (await work.repricings.lock(code)).get(repricing_id(code, newest.version))
            repricing = known or self._new(newest)
            if known:
                known.count_again(current_principal.get().subject, self.clock.now())
            view = RepricingView.of(repricing)
            work.repricings.save(repricing)
            work.audit(Deed(action=self.ACTION, target=f"repricing/{repricing.id}", after=view))
            work.record_answer(request, view)
            await work.commit()
        return view

    def _new(self, newest: FeeSchedule) -> Repricing:
        return Repricing(
            id=repricing_id(newest.code, newest.version),
            schedule=newest.code,
            version=newest.version,
            currency=newest.currency,
            asked_by=current_principal.get().subject,
            asked_at=self.clock.now(),
        )
