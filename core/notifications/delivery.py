"""A delivery: one message to one person by one channel, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from core.notifications.journal import Attempt
from core.notifications.messages import DeliveryId
from core.shared.trace import Trace

StudentId = NewType("StudentId", UUID)


class Channel(StrEnum):
    """How a message reaches a person."""

    EMAIL = "email"
    SMS = "sms"


class DeliveryState(StrEnum):
    """Where a delivery stands; `unknown` is never sent again blindly."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something a student should be told."""

    notice: UUID
    """The message that made it necessary: a notice becomes one delivery per channel, whatever happens."""
    about: UUID
    student: StudentId
    template: str
    facts: Mapping[str, Any]


@dataclass(slots=True, kw_only=True, eq=False)
class Delivery:
    """A notice on one channel."""

    id: DeliveryId
    notice: UUID
    about: UUID
    student: StudentId
    channel: Channel
    template: str
    facts: Mapping[str, Any]
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    due_at: datetime
    """Not before this moment; while `sending`, when we give up on whoever took it."""
    reason: str = ""
    """Why it is in this state, if that is not plain."""
    trace: Trace = field(default_factory=Trace)
    """The request that made it necessary."""
    made: list[Attempt] = field(default_factory=list)
    """Attempts that are not stored yet."""

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
