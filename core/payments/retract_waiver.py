"""Retract a waiver."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.payments.named_waiver import locked_waiver, verdict_of
from core.payments.ports import NewPaymentsUnitOfWork, Waivers
from core.payments.request_waiver import WaiverView, waiver_deed


@requires(Permission.WAIVERS_DECIDE)
@dataclass(frozen=True, slots=True)
class RetractWaiver:
    """Take an approved waiver back; its amount is owed again."""

    ACTION: ClassVar = "retract-waiver"

    new_work: NewPaymentsUnitOfWork
    waivers: Waivers
    clock: Clock

    async def __call__(self, waiver: UUID, why: str) -> WaiverView:
        """Return the waiver; raise `UnknownWaiver`, or `AlreadyDecided` if it is not approved."""
        async with self.new_work() as work:
            account, found = await locked_waiver(work, self.waivers, waiver)
            account.retract_waiver(found, verdict_of(why, self.clock))
            work.accounts.save(account)
            work.record(*account.events)
            work.audit(waiver_deed(self.ACTION, account.reference, found, why))
            await work.commit()
        return WaiverView.of(account.submission, account.reference, found)
