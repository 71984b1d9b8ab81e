"""The outcomes of vendor calls, kept until they are stored with the delivery."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.notifications.messages import DeliveryId


class AttemptOutcome(StrEnum):
    """The meaning of a vendor's answer, the same for all vendors."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call of one vendor."""

    at: datetime
    vendor: str
    outcome: AttemptOutcome
    detail: str
    """The vendor's message id, or the reason that it gave."""


class AttemptLog:
    """The attempts of deliveries that are in flight in this process."""

    def __init__(self) -> None:
        self._attempts: defaultdict[DeliveryId, list[Attempt]] = defaultdict(list)

    def record(self, delivery: DeliveryId, attempt: Attempt) -> None:
        """Add one call."""
        self._attempts[delivery].append(attempt)

    def has_attempts(self, delivery: DeliveryId) -> bool:
        """Return whether a vendor was called for a delivery since its claim."""
        return delivery in self._attempts

    def pop(self, delivery: DeliveryId) -> tuple[Attempt, ...]:
        """Return and remove the calls of a delivery."""
        return tuple(self._attempts.pop(delivery, ()))
