"""Read models of deliveries, without personal data."""

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
"""Matches mailboxes and telephone numbers, which mail servers quote in their refusals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySummary:
    """A delivery and its state."""

    id: DeliveryId
    about: UUID
    """The id of its subject, for a candidate the exam fee, whose timeline shows all deliveries."""
    channel: Channel
    template: str
    state: DeliveryState
    attempts: int
    due_at: datetime
    """The time of the next send or lookup, or of the last one."""
    in_doubt_since: datetime | None
    reason: str
    expires_at: datetime | None
    """When it expires unless it was sent."""

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Return the summary with addresses redacted from the reason."""
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
            expires_at=delivery.expires_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """The filter of a delivery list."""

    state: DeliveryState = DeliveryState.UNDECIDED
    channel: Channel | None = None
    due: Period = field(default_factory=Period)
    template: str | None = None
    vendor: str | None = None
    """The name of a vendor that was called for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryGroup:
    """The number of deliveries of one state, channel and template."""

    count: int
    state: DeliveryState
    channel: Channel
    template: str


@dataclass(frozen=True, slots=True, order=True)
class DeliveryCursor:
    """The position of a delivery in the list."""

    due_at: datetime
    id: DeliveryId

    @classmethod
    def read(cls, text: str) -> Self:
        """Parse the text that `str` returns; raise `Invalid`."""
        moment, _, name = text.partition("_")
        try:
            cursor = cls(datetime.fromisoformat(moment).astimezone(UTC), DeliveryId(UUID(name)))
        except (ValueError, OverflowError) as error:
            raise Invalid("`after` must be the `next` of another page", at="$.after") from error
        return cursor

    def __str__(self) -> str:
        return f"{self.due_at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z_{self.id}"


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """A page of deliveries, the earliest due first."""

    items: tuple[DeliverySummary, ...]
    next: str | None
    """The `after` of the next page; None on the last page."""
