"""Messages, before any vendor has seen them."""

from dataclasses import dataclass
from typing import NewType
from uuid import UUID

DeliveryId = NewType("DeliveryId", UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How to reach a student today."""

    name: str
    email: str
    phone: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """A text message to one person."""

    delivery: DeliveryId
    to: str
    """E.164: +919876543210."""
    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A vendor took the message over."""

    vendor: str
    id: str
    """The vendor's own id of the message."""
