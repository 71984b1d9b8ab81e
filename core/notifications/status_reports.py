"""Reports on the status of a delivery from other sources than its sending."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from core.notifications.messages import DeliveryId

MAX_DETAIL_CHARACTERS = 500


class DeliveryStatus(StrEnum):
    """The reported status of a message."""

    FOUND = "found"
    """A vendor has it."""
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    ABSENT = "absent"
    """No vendor has it."""
    UNDECIDED = "undecided"
    """No vendor reported the outcome in time."""
    SETTLED = "settled"
    """A person decided the outcome."""


@dataclass(frozen=True, slots=True)
class VendorReport:
    """A vendor's report on a message: found, delivered or bounced."""

    vendor: str
    id: str
    """The vendor's message id."""
    learnt: DeliveryStatus
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """A report on a delivery with its time and source."""

    at: datetime
    learnt: DeliveryStatus
    vendor: str = ""
    vendor_id: str = ""
    detail: str = ""


RANK = (DeliveryStatus.DELIVERED, DeliveryStatus.FOUND, DeliveryStatus.BOUNCED)
"""Of several messages for one delivery the best counts: one that arrived, then one under way."""


def best_of(reports: Sequence[VendorReport]) -> VendorReport:
    """Return the best report; its detail says that there are several messages."""
    best, *others = sorted(reports, key=lambda each: RANK.index(each.learnt))
    if not others:
        return best
    told = ", ".join(f"{each.id} {each.learnt}" for each in others)
    return replace(
        best, detail=f"{best.detail}; {len(reports)} messages were sent, also {told}"[:MAX_DETAIL_CHARACTERS]
    )


VENDOR_STATUSES = (DeliveryStatus.FOUND, DeliveryStatus.DELIVERED)


def reported_since_decision(told: Iterable[tuple[DeliveryId, datetime, str]]) -> Collection[DeliveryId]:
    """Return the deliveries that a vendor had after the last decision of a person about them."""
    told = list(told)
    decided: dict[DeliveryId, datetime] = {}
    for delivery, at, learnt in told:
        if learnt == DeliveryStatus.SETTLED:
            decided[delivery] = max(at, decided.get(delivery, at))
    return {
        delivery
        for delivery, at, learnt in told
        if learnt in VENDOR_STATUSES and (delivery not in decided or at > decided[delivery])
    }
