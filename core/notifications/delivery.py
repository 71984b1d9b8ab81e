"""A delivery: one message to one person by one channel, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from core.kernel.trace import Trace
from core.notifications.attempt_log import Attempt
from core.notifications.messages import DeliveryId
from core.notifications.status_reports import DeliveryStatus, StatusReport, VendorReport

RecipientId = NewType("RecipientId", UUID)
"""Of somebody on the roster, or of the staff."""


class Channel(StrEnum):
    """How a message reaches a person."""

    EMAIL = "email"
    SMS = "sms"


class DeliveryState(StrEnum):
    """Where a delivery stands; `unknown` is never sent again blindly."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    UNDECIDED = "undecided"
    """Unknown for so long that a person has to say whether it was sent."""
    SUPPRESSED = "suppressed"


IN_DOUBT_STATES = (DeliveryState.UNKNOWN, DeliveryState.UNDECIDED)
REPORTED_STATES = (DeliveryState.SENT, DeliveryState.BOUNCED, DeliveryState.DELIVERED)
"""What a vendor can report, each believed over those before it: reports come late, twice and in any order."""
FINAL_STATES = (*REPORTED_STATES, DeliveryState.REJECTED, DeliveryState.SUPPRESSED)
STATE_BY_STATUS = dict(
    zip((DeliveryStatus.FOUND, DeliveryStatus.BOUNCED, DeliveryStatus.DELIVERED), REPORTED_STATES, strict=True)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something somebody should be told."""

    notice: UUID
    """The message that made it necessary: a notice becomes one delivery per channel, whatever happens."""
    about: UUID
    recipient: RecipientId
    template: str
    facts: Mapping[str, Any]


@dataclass(slots=True, kw_only=True, eq=False)
class Delivery:
    """A notice on one channel."""

    id: DeliveryId
    notice: UUID
    about: UUID
    recipient: RecipientId
    channel: Channel
    template: str
    facts: Mapping[str, Any]
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    due_at: datetime
    """Not before this moment; while `sending`, when we give up on whoever took it; while `unknown`, the next look."""
    reason: str = ""
    """Why it is in this state, if that is not plain."""
    trace: Trace = field(default_factory=Trace)
    """The request that made it necessary."""
    stored: tuple[DeliveryState, datetime] | None = None
    """What it is and when it is due as far as we know: where something else is stored, it is no longer in our hand."""
    made: list[Attempt] = field(default_factory=list)
    """Attempts that are not stored yet."""
    in_doubt_since: datetime | None = None
    """When somebody took it in hand to send it, and did not say what came of that; known from the first look on."""
    findings: list[StatusReport] = field(default_factory=list)
    """Findings that are not stored yet."""

    def claim(self, until: datetime) -> None:
        """Take it in hand; whoever does not settle it by then leaves its outcome unknown."""
        self.state, self.due_at = DeliveryState.SENDING, until

    def settle(self, state: DeliveryState, reason: str = "") -> None:
        """Come to an end."""
        self.state, self.reason = state, reason

    def postpone(self, until: datetime, reason: str) -> None:
        """Try again later."""
        self.state, self.due_at, self.reason = DeliveryState.PENDING, until, reason

    def note(self, *attempts: Attempt) -> None:
        """Add what vendors were asked and answered."""
        self.made += attempts
        self.attempts += len(attempts)

    def claim_for_lookup(self, since: datetime, until: datetime) -> None:
        """Take the question of what became of it in hand; others may take it up again after `until`."""
        self.in_doubt_since = self.in_doubt_since or since
        self.due_at = until

    def hear(self, report: VendorReport, at: datetime) -> bool:
        """Believe a vendor, unless it said something later before; return whether that changed anything."""
        state = STATE_BY_STATUS[report.learnt]
        if self.state in REPORTED_STATES and REPORTED_STATES.index(state) <= REPORTED_STATES.index(self.state):
            return False
        told = StatusReport(
            at=at, learnt=report.learnt, vendor=report.vendor, vendor_id=report.id, detail=report.detail
        )
        self.resolve(state, told)
        return True

    def resolve(self, state: DeliveryState, finding: StatusReport) -> None:
        """Come to a state because of what was learnt; one that is pending again is due at once."""
        self.state, self.reason = state, finding.detail
        self.findings.append(finding)
        if state is not DeliveryState.UNDECIDED:
            self.in_doubt_since = None
        if state is DeliveryState.PENDING:
            self.due_at = finding.at
