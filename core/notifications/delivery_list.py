"""What people see of deliveries; nobody's address is in it."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

from core.kernel.errors import Invalid
from core.kernel.period import Period
from core.notifications.delivery import Channel, Delivery, DeliveryState
from core.notifications.messages import DeliveryId

CONTACT_PATTERN = re.compile(r"[^\s<>]+@[^\s<>]+|\+?\d[\d ()-]{5,}\d")
"""What looks like a mailbox or a telephone number: mail servers quote them in their refusals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySummary:
    """A delivery, and where it stands."""

    id: DeliveryId
    about: UUID
    """What it tells of: of a candidate the exam fee, whose timeline tells the whole story."""
    channel: Channel
    template: str
    state: DeliveryState
    attempts: int
    due_at: datetime
    """When it is sent or looked into next, or was last."""
    in_doubt_since: datetime | None
    reason: str

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Leave out what is personal."""
        return cls(
            id=delivery.id,
            about=delivery.about,
            channel=delivery.channel,
            template=delivery.template,
            state=delivery.state,
            attempts=delivery.attempts,
            due_at=delivery.due_at,
            in_doubt_since=delivery.in_doubt_since,
            reason=CONTACT_PATTERN.sub("…", delivery.reason),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries somebody wants to see."""

    state: DeliveryState = DeliveryState.UNDECIDED
    channel: Channel | None = None
    due: Period = field(default_factory=Period)


@dataclass(frozen=True, slots=True, order=True)
class DeliveryCursor:
    """Where in the list a delivery stands."""

    due_at: datetime
    id: DeliveryId

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` wrote."""
        moment, _, name = text.partition("_")
        try:
            place = cls(datetime.fromisoformat(moment).astimezone(UTC), DeliveryId(UUID(name)))
        except (ValueError, OverflowError) as error:
            raise Invalid("`after` is the `next` of another page", at="$.after") from error
        return place

    def __str__(self) -> str:
        return f"{self.due_at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z_{self.id}"


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some of the deliveries, the longest due first."""

    items: tuple[DeliverySummary, ...]
    next: str | None
    """Ask for what comes after this; None at the end."""
