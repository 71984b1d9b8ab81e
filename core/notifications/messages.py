"""Messages as the vendor ports accept them."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType
from uuid import UUID

from core.notifications.errors import UnknownDelivery

DeliveryId = NewType("DeliveryId", UUID)
StillClaimed = Callable[[], Awaitable[bool]]
"""Reads whether the message is still to be sent; asked before each vendor call."""
UUID_PATTERN = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def parse_delivery_id(name: str) -> DeliveryId:
    """Parse the id of a delivery in hyphenated form; raise `UnknownDelivery`."""
    if not UUID_PATTERN.fullmatch(name):
        raise UnknownDelivery.named(name)
    return DeliveryId(UUID(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """The current name, addresses and language of a recipient."""

    name: str
    email: str
    phone: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailContent:
    """The rendered content of an e-mail."""

    subject: str
    """Always one line."""
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
    """The end of the claim: no vendor is called after it."""
    still_claimed: StillClaimed | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """A text message to one person."""

    delivery: DeliveryId
    to: str
    """E.164: +919876543210."""
    text: str
    until: datetime | None = None
    """The end of the claim: no vendor is called after it."""
    still_claimed: StillClaimed | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The vendor accepted the message."""

    vendor: str
    id: str
    """The vendor's message id."""
