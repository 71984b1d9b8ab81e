"""Decide about waivers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from core.kernel.authorization import Permission, current_principal, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.payments.errors import UnknownWaiver
from core.payments.fee_account import FeeAccount
from core.payments.ports import NewPaymentsUnitOfWork, Waivers
from core.payments.request_waiver import WaiverView, waiver_deed
from core.payments.waiver import Waiver, WaiverState, WaiverVerdict

Choice = Literal["approve", "refuse"]


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
        state = WaiverState.APPROVED if choice == "approve" else WaiverState.REFUSED
        verdict = verdict_of(why, self.clock)
        return await changed(self, waiver, lambda account, found: account.decide_waiver(found, state, verdict), verdict)


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
        verdict = verdict_of(why, self.clock)
        return await changed(self, waiver, lambda account, found: account.retract_waiver(found, verdict), verdict)


@dataclass(frozen=True, slots=True)
class WaiverPage:
    """Waivers that wait for a decision, the earliest requested first."""

    items: Sequence[WaiverView]
    next: UUID | None
    """Where the next page begins."""


@requires(Permission.WAIVERS_DECIDE)
@dataclass(frozen=True, slots=True)
class ListWaivers:
    """List the waivers that wait for a decision."""

    waivers: Waivers

    async def __call__(self, after: UUID | None, limit: int) -> WaiverPage:
        """Return up to `limit` of them."""
        found = await self.waivers.waiting(after, limit + 1)
        items = [WaiverView.of(each.submission, each.reference, each.waiver) for each in found[:limit]]
        return WaiverPage(items, items[-1].waiver if len(found) > limit else None)


def verdict_of(why: str, clock: Clock) -> WaiverVerdict:
    """Return the verdict of the current principal; raise `Invalid` for a reason that is no line of text."""
    return WaiverVerdict(current_principal.get().subject, clock.now(), Decision(who="-", why=why).why)


async def changed(
    use_case: DecideWaiver | RetractWaiver,
    wanted: UUID,
    change: Callable[[FeeAccount, Waiver], None],
    verdict: WaiverVerdict,
) -> WaiverView:
    """Change a waiver under the lock of its account, and audit it."""
    submission = await use_case.waivers.submission_of(wanted)
    if submission is None:
        raise UnknownWaiver(f"there is no waiver {wanted}")
    async with use_case.new_work() as work:
        account = (await work.accounts.lock([submission]))[submission]
        waiver = account.waiver(wanted)
        change(account, waiver)
        work.accounts.save(account)
        work.record(*account.events)
        work.audit(waiver_deed(use_case.ACTION, account.reference, waiver, verdict.why))
        await work.commit()
    return WaiverView.of(submission, account.reference, waiver)
