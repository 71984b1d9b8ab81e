"""What was learnt of a delivery other than by sending it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeliveryStatus(StrEnum):
    """What became of a message, as far as somebody knows."""

    FOUND = "found"
    """A vendor has it."""
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    ABSENT = "absent"
    """The vendor certainly has not got it."""
    UNDECIDED = "undecided"
    """No vendor can say."""
    SETTLED = "settled"
    """A person decided."""


@dataclass(frozen=True, slots=True)
class VendorReport:
    """What a vendor says became of a message: found, delivered or bounced."""

    vendor: str
    id: str
    """The vendor's own id of the message."""
    learnt: DeliveryStatus
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """One thing that was learnt, by whom and when."""

    at: datetime
    learnt: DeliveryStatus
    vendor: str = ""
    vendor_id: str = ""
    detail: str = ""
