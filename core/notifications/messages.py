"""Messages, before any vendor has seen them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from uuid import UUID

from core.notifications.errors import UnknownDelivery

DeliveryId = NewType("DeliveryId", UUID)
UUID_PATTERN = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def delivery_id(name: str) -> DeliveryId:
    """Read the id of a delivery as people and vendors write it, or raise `UnknownDelivery`."""
    if not UUID_PATTERN.fullmatch(name):
        raise UnknownDelivery(f"there is no delivery {name[:40]!r}")
    return DeliveryId(UUID(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How to reach somebody today."""

    name: str
    email: str
    phone: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailContent:
    """The words of an e-mail."""

    subject: str
    """One line, whatever the facts."""
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """An e-mail to one person."""

    delivery: DeliveryId
    to: str
    subject: str
    text: str
    html: str
    until: datetime | None = None
    """No vendor may be asked after this moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """A text message to one person."""

    delivery: DeliveryId
    to: str
    """E.164: +919876543210."""
    text: str
    until: datetime | None = None
    """No vendor may be asked after this moment."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A vendor took the message over."""

    vendor: str
    id: str
    """The vendor's own id of the message."""
