"""Adjustments: the difference that a corrected tariff makes to a fee, proposed by the program, decided by a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from core.kernel.decisions import Decision, check_second_person
from core.kernel.money import Money
from core.payments.errors import AlreadyDecided
from core.payments.fine import FineTerms

DAYS_TO_PAY = 14
"""Of a demand: whose fee was paid in time, or is not due yet, is not fined at once."""


class AdjustmentState(StrEnum):
    """What became of a proposal."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    REPLACED = "replaced"
    """A newer version of the tariff was published before the decision."""


class AdjustmentKind(StrEnum):
    """What the approval does."""

    DEMAND = "demand"
    """More is owed."""
    REFUND = "refund"
    """Less is owed; what was paid beyond it goes back."""
    TRANSFER = "transfer"
    """As much is owed, for other heads."""


@dataclass(frozen=True, slots=True)
class HeadAmount:
    """What was charged for a head, or, negative, taken off it."""

    head: str
    amount: Money


@dataclass(frozen=True, slots=True)
class HeadChange:
    """An amount of a head before and after; neither is negative, or neither positive."""

    head: str
    before: Money
    after: Money

    @property
    def added(self) -> Money:
        """Return what the candidate owes more."""
        return self.after - self.before

    @property
    def is_concession(self) -> bool:
        """Return whether it is about what was taken off."""
        return min(self.before.minor, self.after.minor) < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RepricedFee:
    """A fee with another price by a corrected version of its schedule."""

    submission: UUID
    version: int
    """Of the schedule."""
    before: Sequence[HeadAmount]
    """As submitted."""
    after: Sequence[HeadAmount]
    asked_by: str
    """Who had the fees priced again."""
    at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Adjustment:
    """A task: one difference, its reason the version of the schedule, and the decision about it."""

    id: UUID
    submission: UUID
    reference: str
    schedule: str
    version: int
    """Of the schedule."""
    before: Money
    """The price of the fee when it was proposed, without fines and waivers."""
    heads: Sequence[HeadChange]
    """Those that change."""
    asked_by: str
    proposed_at: datetime
    state: AdjustmentState = AdjustmentState.OPEN
    decided_by: str = ""
    decided_at: datetime | None = None
    why: str = ""

    @property
    def amount(self) -> Money:
        """Return what is owed more, negative: less."""
        return sum((each.added for each in self.heads), Money.zero(self.before.currency))

    @property
    def kind(self) -> AdjustmentKind:
        """Return what its approval does."""
        if self.amount.minor == 0:
            return AdjustmentKind.TRANSFER
        return AdjustmentKind.DEMAND if self.amount.minor > 0 else AdjustmentKind.REFUND

    def check(self, decision: Decision) -> None:
        """Raise `AlreadyDecided`, or `SamePerson` for the person who had the fees priced again."""
        if self.state is not AdjustmentState.OPEN:
            raise AlreadyDecided(f"the adjustment {self.id} is {self.state}", facts={"state": self.state})
        check_second_person(self.asked_by, decision.who, "this repricing")

    def decide(self, state: AdjustmentState, decision: Decision, at: datetime) -> None:
        """Take a decision that was checked."""
        self.state, self.decided_by, self.why, self.decided_at = state, decision.who, decision.why, at


def pay_demand_by(pay_by: datetime, terms: FineTerms, at: datetime) -> datetime:
    """Return the deadline of a demand: the local time of the fee's own one, at least `DAYS_TO_PAY` days later."""
    return terms.begin(pay_by, terms.day_of(pay_by, at) + 1 + DAYS_TO_PAY)


def changes(fee: RepricedFee, known: Sequence[Adjustment]) -> Sequence[HeadChange]:
    """Return the heads whose amount by the version differs from what is charged by now."""
    present, wanted = by_head(fee.before), by_head(fee.after)
    for each in sorted(known, key=lambda each: each.version):
        if each.state is AdjustmentState.APPROVED:
            present |= {(change.head, change.is_concession): change.after for change in each.heads}
    nothing = Money.zero((*fee.before, *fee.after)[0].amount.currency)
    heads = [
        HeadChange(key[0], present.get(key, nothing), wanted.get(key, nothing)) for key in sorted(present | wanted)
    ]
    return tuple(each for each in heads if each.before != each.after)


def by_head(amounts: Sequence[HeadAmount]) -> dict[tuple[str, bool], Money]:
    """Return amounts by head and sign."""
    return {(each.head, each.amount.minor < 0): each.amount for each in amounts}


def adjustment_id(submission: UUID, version: int) -> UUID:
    """Return the id of an adjustment: the same for each process that proposes it."""
    return uuid5(submission, f"adjustment:{version}")
