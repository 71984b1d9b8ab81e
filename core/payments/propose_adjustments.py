"""Propose adjustments."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.payments.adjustment import Adjustment, AdjustmentState, RepricedFee, adjustment_id, changes
from core.payments.errors import UnknownFee
from core.payments.fee_account import FeeAccount
from core.payments.ports import NewPaymentsUnitOfWork


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class ProposeAdjustments:
    """Make a task of each difference, for a person to decide; a newer version replaces what is undecided."""

    new_work: NewPaymentsUnitOfWork

    async def __call__(self, repriced: Sequence[RepricedFee]) -> None:
        """Store the tasks that are new; raise `UnknownFee` for a fee without an account."""
        async with self.new_work() as work:
            accounts = await work.accounts.lock({each.submission for each in repriced})
            known = {each: list(found) for each, found in (await work.adjustments.of(accounts)).items()}
            for fee in repriced:
                if fee.submission not in accounts:
                    raise UnknownFee(f"the fee {fee.submission} has no account")
                for each in propose(accounts[fee.submission], known.setdefault(fee.submission, []), fee):
                    work.adjustments.save(each)
            await work.commit()


def propose(account: FeeAccount, known: list[Adjustment], fee: RepricedFee) -> Sequence[Adjustment]:
    """Add what a version proposes to the adjustments of an account; return those that are new or changed.

    A version that is known, or older than a known one, is told again and proposes nothing.
    """
    if any(each.version >= fee.version for each in known):
        return []
    changed = [each for each in known if each.state is AdjustmentState.OPEN]
    for each in changed:
        each.state = AdjustmentState.REPLACED
    if heads := changes(fee, known):
        new = Adjustment(
            id=adjustment_id(fee.submission, fee.version),
            submission=fee.submission,
            reference=account.reference,
            schedule=account.schedule,
            version=fee.version,
            before=account.charged,
            heads=heads,
            asked_by=fee.asked_by,
            proposed_at=fee.at,
        )
        known.append(new)
        changed.append(new)
    return changed
