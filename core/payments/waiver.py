"""Waivers: a part of what is owed that one person asks to waive, and another one decides about."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.kernel.decisions import check_second_person
from core.kernel.money import Money
from core.payments.errors import AlreadyDecided


class WaiverState(StrEnum):
    """What became of a request to waive."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    RETRACTED = "retracted"
    """It was approved, and its amount is owed again."""


@dataclass(frozen=True, slots=True)
class WaiverVerdict:
    """What a person decided, when and why."""

    who: str
    at: datetime
    why: str


@dataclass(slots=True, kw_only=True, eq=False)
class Waiver:
    """An amount of one head, with the people who asked and decided, and their reasons."""

    id: UUID
    head: str
    amount: Money
    percent: int | None
    """Of what was due when it was requested, where the request named no amount."""
    reason: str
    requested_by: str
    requested_at: datetime
    state: WaiverState = WaiverState.REQUESTED
    decision: WaiverVerdict | None = None
    due_before: Money | None = None
    """What was due before and after the approval."""
    due_after: Money | None = None
    retraction: WaiverVerdict | None = None

    def decide(self, state: WaiverState, verdict: WaiverVerdict) -> None:
        """Take the decision; raise `AlreadyDecided` or `SamePerson`."""
        if self.state is not WaiverState.REQUESTED:
            raise AlreadyDecided(f"the waiver {self.id} is {self.state}")
        check_second_person(self.requested_by, verdict.who, "this waiver")
        self.state, self.decision = state, verdict

    def retract(self, verdict: WaiverVerdict) -> None:
        """Take an approved waiver back; raise `AlreadyDecided`."""
        if self.state is not WaiverState.APPROVED:
            raise AlreadyDecided(f"the waiver {self.id} is {self.state}, so there is nothing to take back")
        self.state, self.retraction = WaiverState.RETRACTED, verdict
