"""Decide about adjustments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Choice, Decision
from core.kernel.errors import CoreError
from core.payments.adjustment import Adjustment, AdjustmentState
from core.payments.errors import UnknownAdjustment
from core.payments.fee_account import FeeAccount
from core.payments.list_adjustments import AdjustmentView
from core.payments.ports import AdjustmentRecords, NewPaymentsUnitOfWork

DECISIONS_PER_TRANSACTION = 50
STATES: Mapping[Choice, AdjustmentState] = {
    Choice.APPROVE: AdjustmentState.APPROVED,
    Choice.REFUSE: AdjustmentState.REFUSED,
}


@requires(Permission.ADJUSTMENTS_DECIDE)
@dataclass(frozen=True, slots=True)
class DecideAdjustments:
    """Approve or refuse what a corrected tariff proposes, as another person than the one who asked for it."""

    ACTION: ClassVar = "decide-adjustment"

    new_work: NewPaymentsUnitOfWork
    adjustments: AdjustmentRecords
    clock: Clock

    async def __call__(
        self, wanted: Sequence[UUID], choice: Choice, why: str
    ) -> Mapping[UUID, AdjustmentView | CoreError]:
        """Return what became of each: a refusal of one stops no other.

        The refusals are `UnknownAdjustment`, `AlreadyDecided`, `SamePerson`, and `WaivedTooMuch` where more is waived
        than the fee costs then.
        """
        decision, outcomes = Decision.of_caller(why), dict[UUID, AdjustmentView | CoreError]()
        for begin in range(0, len(wanted), DECISIONS_PER_TRANSACTION):
            outcomes |= await self._decide(wanted[begin : begin + DECISIONS_PER_TRANSACTION], choice, decision)
        return outcomes

    async def _decide(
        self, wanted: Sequence[UUID], choice: Choice, decision: Decision
    ) -> dict[UUID, AdjustmentView | CoreError]:
        outcomes, owners = dict[UUID, AdjustmentView | CoreError](), await self.adjustments.submissions_of(wanted)
        async with self.new_work() as work:
            accounts = await work.accounts.lock(set(owners.values()))
            known = {each.id: each for found in (await work.adjustments.of(accounts)).values() for each in found}
            for each in dict.fromkeys(wanted):
                try:
                    found = decide(accounts, known.get(each), choice, decision, self.clock.now())
                except CoreError as refusal:
                    outcomes[each] = refusal
                    continue
                work.adjustments.save(found)
                outcomes[each] = view = AdjustmentView.of(found)
                work.audit(Deed(action=self.ACTION, target=f"adjustment/{each}", after=view, reason=decision.why))
            for account in accounts.values():
                work.accounts.save(account)
                work.record(*account.events)
            await work.commit()
        return outcomes


def decide(
    accounts: Mapping[UUID, FeeAccount], found: Adjustment | None, choice: Choice, decision: Decision, at: datetime
) -> Adjustment:
    """Take a decision, or raise its refusal and change nothing."""
    if found is None:
        raise UnknownAdjustment("there is no such adjustment")
    found.check(decision)
    if choice is Choice.APPROVE:
        accounts[found.submission].adjust(found, decision.why, at)
    found.decide(STATES[choice], decision, at)
    return found
