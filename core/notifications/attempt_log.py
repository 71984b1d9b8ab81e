"""What each call of a vendor came to, until it is written down with the delivery."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.notifications.messages import DeliveryId


class AttemptOutcome(StrEnum):
    """What a vendor's answer means for us."""

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
    """The vendor's id of the message, or the reason it gave."""


class AttemptLog:
    """Attempts of deliveries that are under way in this process."""

    def __init__(self) -> None:
        self._attempts: defaultdict[DeliveryId, list[Attempt]] = defaultdict(list)

    def note(self, delivery: DeliveryId, attempt: Attempt) -> None:
        """Remember one call."""
        self._attempts[delivery].append(attempt)

    def take(self, delivery: DeliveryId) -> tuple[Attempt, ...]:
        """Return the calls made for a delivery, and forget them."""
        return tuple(self._attempts.pop(delivery, ()))
