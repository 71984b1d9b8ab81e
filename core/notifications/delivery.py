"""The delivery aggregate: one message to one recipient on one channel, and its state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.decisions import Decision
from core.kernel.trace import Trace
from core.notifications.attempt_log import Attempt
from core.notifications.messages import DeliveryId
from core.notifications.status_reports import DeliveryStatus, StatusReport, VendorReport

RecipientId = NewType("RecipientId", UUID)
"""The id of a student, or of a staff role."""


class Channel(StrEnum):
    """The medium of a message."""

    EMAIL = "email"
    SMS = "sms"


class DeliveryState(StrEnum):
    """The state of a delivery; one in `unknown` is not sent again before its outcome is determined."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    UNDECIDED = "undecided"
    """The vendors did not report the outcome in time: a person decides."""
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    """It was not sent before its message became worthless."""


IN_DOUBT_STATES = (DeliveryState.UNKNOWN, DeliveryState.UNDECIDED)
REPORTED_STATES = (DeliveryState.SENT, DeliveryState.BOUNCED, DeliveryState.DELIVERED)
"""The states that a vendor reports; the later in this order wins, because reports arrive late, twice and unordered."""
FINAL_STATES = (*REPORTED_STATES, DeliveryState.REJECTED, DeliveryState.SUPPRESSED, DeliveryState.EXPIRED)
REBUILT_BY_REPLAY = "rebuilt by replay"
"""The reason of a suppressed delivery whose message an earlier delivery carried."""
STATE_BY_STATUS = dict(
    zip((DeliveryStatus.FOUND, DeliveryStatus.BOUNCED, DeliveryStatus.DELIVERED), REPORTED_STATES, strict=True)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The input of `SendNotice`: a message to one recipient on all channels."""

    notice: UUID
    """The id of the message that caused it; a notice becomes exactly one delivery per channel."""
    about: UUID
    recipient: RecipientId
    template: str
    facts: Mapping[str, Any]
    expires_at: datetime | None = None
    """When the message becomes worthless, as a deadline passes; without it, or later than that, after the lifetime."""


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
    """When to send it; while `sending`, the end of the claim; while `unknown`, the next lookup; at last, its end."""
    reason: str = ""
    """The reason for the state, if there is one to show."""
    trace: Trace = field(default_factory=Trace)
    """The trace of the request that caused it."""
    stored_as: tuple[DeliveryState, datetime] | None = None
    """The state and `due_at` of the row as this process last saw it: a row that differs is claimed elsewhere."""
    unsaved_attempts: list[Attempt] = field(default_factory=list)
    """Attempts that are not stored yet."""
    expires_at: datetime | None = None
    """When it expires unless it was sent."""
    in_doubt_since: datetime | None = None
    """When the claim of unknown outcome began; set by the first lookup."""
    status_reports: list[StatusReport] = field(default_factory=list)
    """Reports that are not stored yet."""
    reported: Sequence[StatusReport] = ()
    """Reports that are stored, where the repository reads them."""

    def claim(self, until: datetime) -> None:
        """Claim it for sending; without a result by `until` its outcome becomes unknown."""
        self.state, self.due_at = DeliveryState.SENDING, until

    def settle(self, state: DeliveryState, reason: str = "") -> None:
        """Set its state and the reason."""
        self.state, self.reason = state, reason

    def postpone(self, until: datetime, reason: str) -> None:
        """Make it pending, due at `until`."""
        self.state, self.due_at, self.reason = DeliveryState.PENDING, until, reason

    def expire(self, at: datetime) -> None:
        """Give it up; the last reason says what it waited for."""
        self.due_at = at
        self.settle(DeliveryState.EXPIRED, f"expired; last: {self.reason}" if self.reason else "expired")

    def drop(self, reason: str, at: datetime) -> None:
        """End it in doubt: it is not sent again, and what its vendor reports later still counts."""
        self.settle(DeliveryState.REJECTED, reason)
        self.due_at, self.in_doubt_since = at, None

    def record_attempts(self, *attempts: Attempt) -> None:
        """Add vendor calls and count them."""
        self.unsaved_attempts += attempts
        self.attempts += len(attempts)

    def claim_for_lookup(self, since: datetime, until: datetime) -> None:
        """Claim it for an outcome lookup; another process may claim it after `until`."""
        self.in_doubt_since = self.in_doubt_since or since
        self.due_at = until

    def apply_report(self, report: VendorReport, at: datetime) -> bool:
        """Apply a vendor's report unless a better one counts already; return whether it is to be stored."""
        state, detail = STATE_BY_STATUS[report.learnt], report.detail
        bounced = self._messages_reported(DeliveryStatus.BOUNCED)
        delivered = self._messages_reported(DeliveryStatus.DELIVERED)
        if state is DeliveryState.BOUNCED and (self.state is DeliveryState.PENDING or report.id in bounced):
            return False  # of an earlier message, which is sent again
        if self.state is DeliveryState.BOUNCED and state is DeliveryState.SENT and report.id not in bounced:
            detail = f"{detail}; another message bounced: {', '.join(sorted(bounced))}"
        elif state is self.state is DeliveryState.DELIVERED and delivered and report.id not in delivered:
            detail = f"{detail}; another message was delivered, too: {', '.join(sorted(delivered))}"
        elif self.state in REPORTED_STATES and REPORTED_STATES.index(state) <= REPORTED_STATES.index(self.state):
            return False
        status = StatusReport(at=at, learnt=report.learnt, vendor=report.vendor, vendor_id=report.id, detail=detail)
        self.resolve(state, status)
        return True

    def _messages_reported(self, learnt: DeliveryStatus) -> set[str]:
        return {each.vendor_id for each in self.reported if each.learnt is learnt}

    def resolve(self, state: DeliveryState, report: StatusReport) -> None:
        """Set the state that a report implies; it waits for no send or lookup but the one that is due at once."""
        self.state, self.reason, self.due_at = state, report.detail, report.at
        self.status_reports.append(report)
        if state is not DeliveryState.UNDECIDED:
            self.in_doubt_since = None


def decided(action: str, delivery: Delivery, before: DeliveryState, decision: Decision) -> Deed:
    """Return the audit record's content for a person's decision about a delivery."""
    after = {"state": delivery.state, "who": decision.who}
    return Deed(
        action=action, target=f"delivery/{delivery.id}", before={"state": before}, after=after, reason=decision.why
    )
