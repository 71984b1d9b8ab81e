"""Decide about a waiver."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Choice
from core.payments.named_waiver import locked_waiver, verdict_of
from core.payments.ports import NewPaymentsUnitOfWork, Waivers
from core.payments.request_waiver import WaiverView, waiver_deed
from core.payments.waiver import WaiverState


@requires(Permission.WAIVERS_DECIDE)
@dataclass(frozen=True, slots=True)
class DecideWaiver:
    """Approve or refuse a waiver that another person requested."""

    ACTION: ClassVar = "decide-waiver"

    new_work: NewPaymentsUnitOfWork
    waivers: Waivers
    clock: Clock

    async def __call__(self, waiver: UUID, choice: Choice, why: str) -> WaiverView:
        """Return the waiver; raise `UnknownWaiver`, `AlreadyDecided`, `SamePerson` or `WaivedTooMuch`."""
        state = WaiverState.APPROVED if choice is Choice.APPROVE else WaiverState.REFUSED
        async with self.new_work() as work:
            account, found = await locked_waiver(work, self.waivers, waiver)
            account.decide_waiver(found, state, verdict_of(why, self.clock))
            work.accounts.save(account)
            work.record(*account.events)
            work.audit(waiver_deed(self.ACTION, account.reference, found, why))
            await work.commit()
        return WaiverView.of(account.submission, account.reference, found)
