"""Finds waivers, and locks their accounts."""

from uuid import UUID

from core.kernel.authorization import current_principal
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.payments.errors import UnknownWaiver
from core.payments.fee_account import FeeAccount
from core.payments.ports import PaymentsUnitOfWork, Waivers
from core.payments.waiver import Waiver, WaiverVerdict


async def locked_waiver(work: PaymentsUnitOfWork, waivers: Waivers, wanted: UUID) -> tuple[FeeAccount, Waiver]:
    """Return a waiver with its account, whose row is locked; raise `UnknownWaiver`."""
    submission = await waivers.submission_of(wanted)
    if submission is None:
        raise UnknownWaiver(f"there is no waiver {wanted}")
    account = (await work.accounts.lock([submission]))[submission]
    return account, account.waiver(wanted)


def verdict_of(why: str, clock: Clock) -> WaiverVerdict:
    """Return the verdict of the current principal; raise `Invalid` for a reason that is no line of text."""
    return WaiverVerdict(current_principal.get().subject, clock.now(), Decision(who="-", why=why).why)
